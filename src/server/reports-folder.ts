/** The folder that holds a folder for each run: by id, which is the name of the run's folder, and never taken from a request. */
import { readdir, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { InputError } from "../runtime/errors.ts";
import { RequestError } from "./errors.ts";
import { type Report, type ReportEntry, soundReportSchema } from "./reports-schema.ts";

/** Where runs are kept, and what knows their files: evaluation is a way in beside the server. */
export interface ReportSource {
  /** Need not be there. */
  readonly folder: string;
  /** What a run's folder says: soundReportSchema without id. Throws for one that is damaged. */
  read(folder: string): object;
  /** The report's page, as HTML; undefined where there is none. */
  readPage(folder: string): Uint8Array<ArrayBuffer> | undefined;
}

export class ReportsFolder {
  private readonly source?: ReportSource;

  constructor(source?: ReportSource) {
    this.source = source;
  }

  /** The newest first, damaged ones last. */
  async list(): Promise<ReportEntry[]> {
    const entries: ReportEntry[] = [];
    for (const [id, path] of await this.folders()) {
      await setImmediate(); // answers that are being streamed go on in between
      const { summary: _, ...entry } = this.read(id, path);
      entries.push(entry as ReportEntry);
    }
    const startOf = (entry: ReportEntry) => ("startedAt" in entry ? `${entry.startedAt}` : "");
    return entries.sort((a, b) => startOf(b).localeCompare(startOf(a)));
  }

  /** Throws RequestError 404. */
  async get(id: string): Promise<Report> {
    return this.read(id, await this.find(id));
  }

  /** Throws RequestError 404. */
  async page(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const page = this.source?.readPage(await this.find(id));
    if (page) return page;
    throw new RequestError(404, `The run ${JSON.stringify(id)} has no page. \`longspan eval report\` writes one.`);
  }

  /** Only names that the folder itself tells lead to a path. */
  private async find(id: string): Promise<string> {
    const path = (await this.folders()).get(id);
    if (path !== undefined) return path;
    throw new RequestError(404, `There is no run with the id ${JSON.stringify(id)}. GET /v1/reports lists them.`);
  }

  /** Paths by id. Links lead to runs that are kept elsewhere. */
  private async folders(): Promise<Map<string, string>> {
    const folders = new Map<string, string>();
    if (!this.source) return folders;
    for (const name of await namesIn(this.source.folder)) {
      const path = join(this.source.folder, name);
      const facts = await stat(path).catch(() => undefined); // a link to nowhere
      if (facts?.isDirectory()) folders.set(name, path);
    }
    return folders;
  }

  /** Whatever is in the folder: no run may keep the others from being shown. */
  private read(id: string, path: string): Report {
    const entry = { id, object: "report" } as const;
    try {
      return soundReportSchema.parse({ ...this.source?.read(path), ...entry });
    } catch (error) {
      return { ...entry, state: "damaged", problem: problemOf(error, path) };
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** In words for people, without the folder's place on this machine. */
function problemOf(error: unknown, path: string): string {
  if (error instanceof InputError) return error.message.replaceAll(`${path}${sep}`, "").replaceAll(path, "it");
  if (error instanceof z.ZodError) return `${error.issues[0].path.join(".")}: ${error.issues[0].message}`;
  return "Its files cannot be read as those of a run.";
}
