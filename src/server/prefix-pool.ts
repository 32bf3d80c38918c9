/**
 * Prompts that begin alike are read once: what was read stays as a session, and the next prompt goes on in a copy of the one
 * that shares most with it. Copies share pages. Requests that come while a common beginning is still being read wait for it.
 * Sessions under different plans are kept side by side and give room to each other, the least recently used first.
 */
import type { Plan } from "../context/plan.ts";
import { readingPlan, selects } from "../context/reading-plan.ts";
import { commonPrefix, sharedTokens } from "../engine/shared-prefix.ts";
import type { BlockStore, Engine, Session } from "../engine/types.ts";
import { CapacityError } from "../runtime/errors.ts";

/** Fewer tokens are read faster than shared. */
const LEAST_SHARED = 64;

export interface PrefixPoolOptions {
  readonly engine: Engine;
  readonly store?: BlockStore;
  /** Bytes of pages of all sessions above which those that nobody uses are closed, the least recently used first. */
  readonly maxBytes: number;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ReadPrompt {
  /** The caller's own: has read the prompt, and is to be disposed of. */
  readonly session: Session;
  /** Tokens that were not read for this prompt. */
  readonly cachedTokens: number;
}

interface Entry {
  /** Of the plan that it was read for, and whether that selects of it. */
  readonly key: string;
  readonly selects: boolean;
  ids: Int32Array;
  session?: Session;
  ready: Promise<void>;
  /** Copies are made one after the other. */
  turn: Promise<unknown>;
  users: number;
  usedAt: number;
}

export class PrefixPool {
  private readonly options: PrefixPoolOptions;
  private readonly entries = new Set<Entry>();
  private clock = 0;

  constructor(options: PrefixPoolOptions) {
    this.options = options;
  }

  /** Sessions that are kept. */
  get size(): number {
    return this.entries.size;
  }

  /** Rejects with CapacityError if there is no room, though all that nobody uses was closed; with the signal's reason if aborted. */
  async read(plan: Plan, ids: Int32Array, options: ReadOptions): Promise<ReadPrompt> {
    for (;;)
      try {
        return await this.tryToRead(plan, ids, options);
      } catch (error) {
        if (!(error instanceof CapacityError) || !(await this.closeOldest())) throw error;
      }
  }

  private async tryToRead(plan: Plan, ids: Int32Array, options: ReadOptions): Promise<ReadPrompt> {
    const { engine, store } = this.options;
    const { plan: reading, dropsAfter, continues } = readingPlan(plan);
    if (!continues) {
      const session = await engine.session({ plan, store });
      await prefillOrClose(session, ids, options);
      return { session, cachedTokens: session.restored };
    }
    const isSelected = selects(plan, ids.length);
    const key = JSON.stringify([plan, isSelected]);
    for (;;) {
      const closest = this.closest(key, ids);
      if (closest && !closest.entry.session) {
        await untilAborted(closest.entry.ready, options.signal).catch(() => {});
        options.signal?.throwIfAborted();
        continue;
      }
      const isThere = closest?.entry.ids.length === ids.length && closest.common === ids.length;
      const entry = isThere ? closest.entry : this.add(key, ids, isSelected);
      const open = () => engine.session({ plan: reading, collect: [plan.cache], store });
      const cachedTokens = isThere ? ids.length : await this.fill(entry, closest, open, options);
      const session = await this.copyOf(entry);
      if (dropsAfter) await session.compress(plan.cache);
      await this.makeRoom();
      return { session, cachedTokens };
    }
  }

  private add(key: string, ids: Int32Array, isSelected: boolean): Entry {
    const entry: Entry = {
      key,
      selects: isSelected,
      ids,
      ready: Promise.resolve(),
      turn: Promise.resolve(),
      users: 0,
      usedAt: ++this.clock,
    };
    this.entries.add(entry);
    return entry;
  }

  /** Reads an entry's prompt; one that is broken off stays as far as it was read. */
  private async fill(
    entry: Entry,
    closest: Closest | undefined,
    open: () => Promise<Session>,
    options: ReadOptions,
  ): Promise<number> {
    const { ids } = entry;
    let cached = 0;
    const read = async () => {
      const session = closest ? await this.copyOf(closest.entry) : await open();
      if (closest) cached = await session.truncate(sharedTokens(closest.entry.ids, ids, entry));
      const begin = cached;
      try {
        await session.prefill(ids.subarray(begin), {
          signal: options.signal,
          onProgress: (done) => options.onProgress?.(begin + done, ids.length),
        });
        cached += session.restored;
      } catch (error) {
        // Its last chunk left no logits, and is read again by whoever goes on from here.
        entry.ids = ids.slice(0, Math.max(0, session.length - 1));
        if (session.length < LEAST_SHARED) {
          this.entries.delete(entry);
          await session.dispose();
        }
        throw error;
      } finally {
        entry.session = session;
      }
    };
    entry.ready = read();
    try {
      await entry.ready;
    } catch (error) {
      if (!entry.session) this.entries.delete(entry);
      throw error;
    }
    return cached;
  }

  private copyOf(entry: Entry): Promise<Session> {
    entry.users++;
    entry.usedAt = ++this.clock;
    const copy = entry.turn.then(() => (entry.session as Session).fork());
    entry.turn = copy.catch(() => {});
    return copy.finally(() => {
      entry.users--;
    });
  }

  /** That which shares most; of what is being read, only if most of it is shared. */
  private closest(key: string, ids: Int32Array): Closest | undefined {
    let best: Closest | undefined;
    for (const entry of this.entries) {
      if (entry.key !== key) continue;
      const common = commonPrefix(entry.ids, ids);
      const isWorth = common >= LEAST_SHARED && (entry.session || common >= entry.ids.length / 2);
      if (isWorth && common > (best?.common ?? 0)) best = { entry, common };
    }
    return best;
  }

  private async makeRoom(): Promise<void> {
    const { engine, maxBytes } = this.options;
    while ((await engine.memory()).cacheBytes > maxBytes && (await this.closeOldest({ butLast: true })));
  }

  /** Closes the session that nobody uses whose last use is longest ago. Gives whether there was one. */
  private async closeOldest({ butLast = false } = {}): Promise<boolean> {
    const idle = [...this.entries].filter(({ users, session }) => users === 0 && session);
    if (idle.length === 0 || (butLast && idle.length === 1)) return false;
    const oldest = idle.reduce((a, b) => (a.usedAt < b.usedAt ? a : b));
    this.entries.delete(oldest);
    await oldest.session?.dispose();
    return true;
  }

  /** Closes all sessions that are kept. */
  async clear(): Promise<void> {
    for (const entry of [...this.entries]) {
      this.entries.delete(entry);
      await entry.ready.catch(() => {});
      await entry.turn;
      await entry.session?.dispose();
    }
  }
}

interface Closest {
  readonly entry: Entry;
  /** Tokens. */
  readonly common: number;
}

async function prefillOrClose(session: Session, ids: Int32Array, options: ReadOptions): Promise<void> {
  try {
    await session.prefill(ids, options);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

function untilAborted(promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
