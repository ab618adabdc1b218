// Made by `eventmill plan types` from the tracking plan d04acd92dd8a. Do not edit.

/** A person created an account. */
export interface UserSignedUpProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  method?: string;
  /** (maxLength: 1000) */
  plan?: string;
  [other: string]: unknown;
}

/** A person logged in. */
export interface UserLoggedInProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  method?: string;
  [other: string]: unknown;
}

/** A person changed their profile. */
export interface UserProfileUpdatedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxItems: 100) */
  fields?: Array<string>;
  [other: string]: unknown;
}

/** A creator (the actor) uploaded an IP asset. */
export interface AssetUploadedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  title?: string;
  /** (maxLength: 1000) */
  asset_type?: string;
  /** (minimum: 0, maximum: 9007199254740991) */
  file_size_bytes?: number;
  [other: string]: unknown;
}

/** Somebody looked at an IP asset. */
export interface AssetViewedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  title?: string;
  /** (minimum: 0, maximum: 9007199254740991) */
  position?: number;
  [other: string]: unknown;
}

/** Somebody downloaded an IP asset. */
export interface AssetDownloadedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  format?: string;
  /** (minimum: 0, maximum: 9007199254740991) */
  file_size_bytes?: number;
  [other: string]: unknown;
}

/** An admin approved an IP asset. */
export interface AssetApprovedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  [other: string]: unknown;
}

/** An admin rejected an IP asset. */
export interface AssetRejectedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  reason?: string;
  [other: string]: unknown;
}

/** Whose an IP asset (creator_id) or a project (brand_id) is was settled. */
export interface OwnershipCorrectedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  reason?: string;
  [other: string]: unknown;
}

/** A brand (brand_id) created a project. */
export interface ProjectCreatedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  name?: string;
  /** (minimum: 0, maximum: 1000000000000) */
  budget_cents?: number;
  [other: string]: unknown;
}

/** Work on a project began. */
export interface ProjectStartedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  [other: string]: unknown;
}

/** A project was completed. */
export interface ProjectCompletedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  outcome?: string;
  [other: string]: unknown;
}

/** A project was archived. */
export interface ProjectArchivedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  [other: string]: unknown;
}

/** Somebody clicked to license an IP asset. */
export interface LicenseClickedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  license_type?: string;
  /** (minimum: 0, maximum: 1000000000000) */
  price_cents?: number;
  [other: string]: unknown;
}

/** A brand licensed an IP asset inside a project. */
export interface LicenseCreatedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  license_type?: string;
  /** (format: date) */
  starts_on?: string;
  /** (format: date) */
  ends_on?: string;
  /** (maxLength: 1000) */
  territory?: string;
  [other: string]: unknown;
}

/** A license was signed. */
export interface LicenseSignedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (format: date) */
  signed_on?: string;
  [other: string]: unknown;
}

/** A license was renewed. */
export interface LicenseRenewedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (format: date) */
  starts_on?: string;
  /** (format: date) */
  ends_on?: string;
  [other: string]: unknown;
}

/** A license ended. */
export interface LicenseExpiredProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (format: date) */
  ended_on?: string;
  [other: string]: unknown;
}

/** A royalty was calculated. */
export interface RoyaltyCalculatedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (minimum: 0, maximum: 1000000000000) */
  amount_cents?: number;
  /** (format: date) */
  period_start?: string;
  /** (format: date) */
  period_end?: string;
  [other: string]: unknown;
}

/** A royalty statement was made. */
export interface RoyaltyStatementGeneratedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  statement_id?: string;
  /** (format: date) */
  period_start?: string;
  /** (format: date) */
  period_end?: string;
  [other: string]: unknown;
}

/** A royalty was paid. */
export interface RoyaltyPaidProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (minimum: 0, maximum: 1000000000000) */
  amount_cents?: number;
  /** (format: date) */
  paid_on?: string;
  [other: string]: unknown;
}

/** Somebody looked at a page. */
export interface PageViewedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  title?: string;
  /** (maxLength: 2048) */
  path?: string;
  /** (minimum: 100, maximum: 599) */
  status?: number;
  [other: string]: unknown;
}

/** Somebody was active on a page, for `engagement_ms`; the browser tracker tells it. */
export interface PageEngagedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  [other: string]: unknown;
}

/** Somebody clicked a call to action. */
export interface CtaClickedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  cta_id?: string;
  /** (maxLength: 1000) */
  label?: string;
  /** (maxLength: 2048) */
  href?: string;
  [other: string]: unknown;
}

/** Somebody searched. */
export interface SearchPerformedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  query?: string;
  /** (minimum: 0, maximum: 9007199254740991) */
  results?: number;
  [other: string]: unknown;
}

/** Somebody filtered a list. */
export interface FilterAppliedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  filter?: string;
  /** (maxItems: 100) */
  values?: Array<string>;
  [other: string]: unknown;
}

/** Somebody was shown a variant of an experiment. */
export interface ExperimentViewedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  experiment?: string;
  /** (maxLength: 1000) */
  variant?: string;
  [other: string]: unknown;
}

/** An e-mail was sent. */
export interface EmailSentProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  template?: string;
  [other: string]: unknown;
}

/** A webhook was delivered. */
export interface WebhookDeliveredProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 2048) */
  url?: string;
  /** (minimum: 100, maximum: 599) */
  status?: number;
  /** (minimum: 0, maximum: 9007199254740991) */
  attempts?: number;
  [other: string]: unknown;
}

/** A background job ended. */
export interface JobCompletedProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  job?: string;
  /** (minimum: 0, maximum: 9007199254740991) */
  duration_ms?: number;
  [other: string]: unknown;
}

/** Something failed. */
export interface ErrorOccurredProps {
  /** (minimum: 0, maximum: 1000000000000) */
  revenue_cents?: number;
  /** (minimum: 0, maximum: 86400000) */
  engagement_ms?: number;
  /** (pattern: ^[A-Z]{3}$) */
  currency?: string;
  /** (maxLength: 1000) */
  message?: string;
  /** (maxLength: 1000) */
  code?: string;
  [other: string]: unknown;
}

export interface EventProps {
  user_signed_up: UserSignedUpProps;
  user_logged_in: UserLoggedInProps;
  user_profile_updated: UserProfileUpdatedProps;
  asset_uploaded: AssetUploadedProps;
  asset_viewed: AssetViewedProps;
  asset_downloaded: AssetDownloadedProps;
  asset_approved: AssetApprovedProps;
  asset_rejected: AssetRejectedProps;
  ownership_corrected: OwnershipCorrectedProps;
  project_created: ProjectCreatedProps;
  project_started: ProjectStartedProps;
  project_completed: ProjectCompletedProps;
  project_archived: ProjectArchivedProps;
  license_clicked: LicenseClickedProps;
  license_created: LicenseCreatedProps;
  license_signed: LicenseSignedProps;
  license_renewed: LicenseRenewedProps;
  license_expired: LicenseExpiredProps;
  royalty_calculated: RoyaltyCalculatedProps;
  royalty_statement_generated: RoyaltyStatementGeneratedProps;
  royalty_paid: RoyaltyPaidProps;
  page_viewed: PageViewedProps;
  page_engaged: PageEngagedProps;
  cta_clicked: CtaClickedProps;
  search_performed: SearchPerformedProps;
  filter_applied: FilterAppliedProps;
  experiment_viewed: ExperimentViewedProps;
  email_sent: EmailSentProps;
  webhook_delivered: WebhookDeliveredProps;
  job_completed: JobCompletedProps;
  error_occurred: ErrorOccurredProps;
}

export type EventType = keyof EventProps;

/** Types that a browser may send without a user token. */
export type AnonymousEventType = "asset_viewed" | "page_viewed" | "page_engaged" | "cta_clicked" | "experiment_viewed";

export interface Context {
  page_url?: string | null;
  landing_page?: string | null;
  referrer?: string | null;
  user_agent?: string | null;
  utm?: Utm | null;
  click_id?: string | null;
  locale?: string | null;
  screen?: unknown;
}

export interface Utm {
  source?: string | null;
  medium?: string | null;
  campaign?: string | null;
  term?: string | null;
  content?: string | null;
}

export interface EventmillEvent<T extends EventType = EventType> {
  event_type: T;
  props?: EventProps[T];
  /** The idempotency key. A UUID is kept, other text maps to a stable UUIDv5; absent: UUIDv7. (maxLength: 200) */
  event_id?: string | null;
  /** RFC 3339 with an offset, at most 1 h in the future. Absent: the time of receipt. */
  occurred_at?: string | null;
  /** RFC 3339 with an offset: the sender's clock when it sent. */
  sent_at?: string | null;
  /** What sent it. Absent: `web`. (maxLength: 64) */
  source?: string | null;
  /** Together with actor_id, or not at all. */
  actor_type?: "user" | "creator" | "brand" | "admin" | "system" | null;
  /** (maxLength: 200) */
  actor_id?: string | null;
  /** (maxLength: 200) */
  anonymous_id?: string | null;
  /** (maxLength: 200) */
  session_id?: string | null;
  /** (maxLength: 200) */
  project_id?: string | null;
  /** (maxLength: 200) */
  ip_asset_id?: string | null;
  /** (maxLength: 200) */
  license_id?: string | null;
  /** Together with entity_id: shorthand for project_id, ip_asset_id or license_id. */
  entity_type?: "project" | "ip_asset" | "license" | null;
  /** (maxLength: 200) */
  entity_id?: string | null;
  /** Of older clients, and kept; so are brand_id and creator_id. (maxLength: 200) */
  user_id?: string | null;
  /** (maxLength: 200) */
  brand_id?: string | null;
  /** (maxLength: 200) */
  creator_id?: string | null;
  context?: Context | null;
}
