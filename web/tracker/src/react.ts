/** React: `<AnalyticsProvider>` starts the tracker, `useAnalytics()` gives it. */

import { eventmill, type EventProps, type Options, type Tracker } from "@eventmill/tracker";
import { createContext, createElement, type ReactNode, useContext, useEffect } from "react";

const Context = createContext<Tracker>(eventmill);

export interface AnalyticsProviderProps extends Options {
  children?: ReactNode;
  /** Another tracker than the page's, for tests. */
  tracker?: Tracker;
}

/**
 * Starts the page's tracker when it is mounted, in a browser. What children record before is not
 * lost: their effects run first, and the tracker keeps what it is told until it starts. Mounted
 * twice, as in strict mode, it still starts once, so a page view is sent once.
 */
export function AnalyticsProvider({ children, tracker = eventmill, ...options }: AnalyticsProviderProps) {
  useEffect(() => tracker.init(options)); // after each render, since it takes changed options
  return createElement(Context.Provider, { value: tracker }, children);
}

/** The tracker; the same at each render. `Events` are those of a tracking plan of your own. */
export function useAnalytics<Events = EventProps>(): Tracker<Events> {
  return useContext(Context) as Tracker<Events>;
}
