/**
 * From what length on prefill methods are faster than full attention, as it was measured on this machine (engine/break-even.ts): a
 * file for each model, program, number of threads, method with its options, and format of pages.
 */
import { createHash } from "node:crypto";
import { arch, cpus } from "node:os";
import type { Plan } from "../context/plan.ts";
import { prefillOf } from "../context/prefill/plan.ts";
import { readMeasured, storeMeasured } from "./measured.ts";

/** What the speed of reading depends on besides the model and the plan. */
export interface ReadingPlace {
  readonly threads: number;
  /** Of the program: another may have other kernels. */
  readonly version: string;
  /** Default: this one's processor. */
  readonly machine?: string;
}

export class BreakEvens {
  private readonly model: string;
  private readonly place: Required<ReadingPlace>;

  /** `model`: path of its file. */
  constructor(model: string, { threads, version, machine = thisMachine() }: ReadingPlace) {
    this.model = model;
    this.place = { threads, version, machine };
  }

  get threads(): number {
    return this.place.threads;
  }

  /** Of the plan's method, in tokens: Infinity where it is never faster. None if it was not measured, or what is stored is damaged. */
  find(plan: Plan): number | undefined {
    const about = this.about(plan);
    return readMeasured(this.model, endingOf(about), (bytes) => decode(bytes, about))?.value;
  }

  /** Takes the place of what was stored for the same, and gives the path. */
  store(plan: Plan, tokens: number): string {
    const about = this.about(plan);
    const from = Number.isFinite(tokens) ? tokens : null;
    const record = { about: JSON.parse(about), from, checksum: hash(about, from) };
    return storeMeasured(this.model, endingOf(about), `${JSON.stringify(record)}\n`);
  }

  /** What tokens are selected makes no difference: layers read the same way, only fewer of them all. */
  private about({ prefill, cache: { format, layers } }: Plan): string {
    return JSON.stringify({ ...this.place, prefill: prefillOf(prefill).options, format, layers });
  }
}

/** Throws SyntaxError for what is no JSON. */
function decode(bytes: Uint8Array, about: string): number | undefined {
  const { from, checksum } = JSON.parse(new TextDecoder().decode(bytes));
  if (checksum !== hash(about, from)) return undefined;
  return from ?? Number.POSITIVE_INFINITY;
}

function endingOf(about: string): string {
  return `-${hash(about).slice(0, 16)}.json`;
}

function hash(...values: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex");
}

function thisMachine(): string {
  return `${arch()} ${cpus()[0]?.model.trim() ?? ""}`;
}
