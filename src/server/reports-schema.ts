/** What /v1/reports answers with, and what a run's folder is checked against before it is shown. */
import { z } from "zod";

const count = z.number().int().min(0);
const interval = z.looseObject({ low: z.number(), high: z.number() }).describe("95 %, from 0 to 1.");

const entry = {
  id: z.string().describe("To be given to the other routes of reports."),
  object: z.literal("report"),
};

const damaged = z.looseObject({ ...entry, state: z.literal("damaged"), problem: z.string() });

const facts = {
  ...entry,
  state: z.enum(["finished", "unfinished"]),
  model: z.string(),
  plan: z.looseObject({}).nullable().describe("Null for an endpoint."),
  planName: z.string().nullable().describe("What the plan says beyond the default."),
  mode: z.string(),
  tasks: z.array(z.string()),
  lengths: z.array(count),
  startedAt: z.iso.datetime(),
  longspan: z.string(),
  asked: count,
  answered: count,
  means: z
    .array(z.looseObject({ length: count, tasks: count, score: z.number() }))
    .describe("Mean score over tasks, from 0 to 1, by length."),
  hasPage: z.boolean(),
};

const summary = z.looseObject({
  lengths: z.array(count),
  families: z.array(
    z.looseObject({
      family: z.string(),
      tasks: z.array(
        z.looseObject({
          task: z.string(),
          cells: z.array(
            z.looseObject({
              length: count,
              n: count,
              truncated: count,
              score: z.number().optional(),
              interval: interval.optional(),
            }),
          ),
        }),
      ),
      macros: z.array(z.looseObject({ length: count, missing: z.array(z.string()), score: z.number(), interval })),
    }),
  ),
});

/** What a folder must come to: anything else is damaged. */
export const soundReportSchema = z.looseObject({ ...facts, summary: summary.nullable() });

/** In a list: without its summary. */
export const reportEntrySchema = z.union([z.looseObject(facts), damaged]);
export const reportSchema = z.union([soundReportSchema, damaged]);

export type Report = z.infer<typeof reportSchema>;
export type ReportEntry = z.infer<typeof reportEntrySchema>;
