/** The HTML report. */
export { type HtmlReportOptions, htmlReport, type ReportRun } from "./report.ts";
