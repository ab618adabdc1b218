/** What a page gives to the tracker and gets from it. */

import type { EventProps } from "./events.js";

/** Where to send, and what to record. */
export interface Options {
  /** A publishable key: `eventmill keys create NAME --kind publishable`. */
  writeKey: string;
  /** The ingest API, such as `https://events.example.com`. */
  endpoint: string;
  /** Store nothing on the device: no anonymous id, no session id, no queue that outlives the page. */
  cookieless?: boolean;
  /** Send `page_viewed` at load and when the path or the query changes. Default: true. */
  pages?: boolean;
  /** Send `page_engaged` with the time that somebody was there. Default: true. */
  engagement?: boolean;
  /** Send `cta_clicked` for clicks on links to other hosts. */
  outbound?: boolean;
  /** Send `cta_clicked` for clicks on links to files. */
  downloads?: boolean;
  /** Gets what went wrong. Without it, problems are warnings in the console. */
  onError?: (problem: Problem) => void;
}

/** What went wrong, for whoever develops the page. */
export interface Problem {
  message: string;
  /** The HTTP status, if the service answered. */
  status?: number;
  /** The event that is lost because of it. */
  event?: unknown;
  /** What is wrong with the event, by field. */
  errors?: { field: string; message: string }[];
}

/** What an event is about. */
export interface Entity {
  project_id?: string;
  ip_asset_id?: string;
  license_id?: string;
  brand_id?: string;
  creator_id?: string;
  entity_type?: "project" | "ip_asset" | "license";
  entity_id?: string;
}

/** The props that the plan knows: the generated types allow any other, a call does not. */
export type Known<Props> = {
  [Name in keyof Props as string extends Name ? never : Name]: Props[Name];
};

/** The arguments after an event's type: props may be left out unless the plan requires one. */
export type Details<Props> = {} extends Known<Props>
  ? [props?: Known<Props>, entity?: Entity]
  : [props: Known<Props>, entity?: Entity];

/** The tracker. No method throws, and all may be called before `init`. */
export interface Tracker<Events = EventProps> {
  /** Starts. Called again, it only changes options. */
  init(options: Options): void;
  /** Records that something happened; it is sent within 5 s. */
  track<Type extends keyof Events & string>(type: Type, ...details: Details<Events[Type]>): void;
  /** Records a page view; needed only with `pages: false`. */
  page(props?: Known<PageProps<Events>>, entity?: Entity): void;
  /** Says who this is. A token lets the person send what needs one; call again with a fresh one. */
  identify(userId: string, token?: string): void;
  /** Forgets the person and the visitor, as after a logout. */
  reset(): void;
  /** Sends what waits; resolves when all of it was answered or could not be sent now. */
  flush(): Promise<void>;
  /** Records nothing from now on, forgets all ids and what was not sent; remembered. */
  optOut(): void;
  /** Takes `optOut` back. */
  optIn(): void;
}

type PageProps<Events> = Events extends { page_viewed: infer Props } ? Props : object;
