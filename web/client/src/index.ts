/** Typed client of Eventmill's dashboards API. */
export { createDashboards, type Dashboards, type DashboardsOptions } from "./client.js";
export { data, ProblemError } from "./problem.js";
export type * from "./schema.js";
