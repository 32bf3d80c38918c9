/** Counters, gauges and histograms as Prometheus reads them, under vLLM's names with our prefix. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export interface MetricsFacts {
  readonly model: string;
  /** Of KV pages of all sessions, and how many there may be before what nobody uses is given up. */
  readonly cacheBytes: number;
  readonly maxCacheBytes: number;
}

export class Metrics {
  running = 0;
  /** Of those that run, those of whose prompt no chunk was read yet: other requests have their turn. */
  waiting = 0;
  /** Of prompts that are answered. */
  promptTokens = 0;
  /** Of texts that become vectors: they are not looked for in what was read before. */
  embeddedTokens = 0;
  cachedTokens = 0;
  generatedTokens = 0;
  private readonly finished = new Map<string, number>();
  private readonly firstToken = new Histogram(SECONDS);
  private readonly betweenTokens = new Histogram([0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 10]);
  private readonly request = new Histogram(SECONDS);

  /** `reason`: stop, length, abort or error; `seconds` from the request to its end. */
  finish(reason: string, seconds?: number): void {
    this.finished.set(reason, (this.finished.get(reason) ?? 0) + 1);
    if (seconds !== undefined) this.request.add(seconds);
  }

  /** Seconds from the request to its first token. */
  sawFirstToken(seconds: number): void {
    this.firstToken.add(seconds);
  }

  /** Seconds since the token before it, of one answer. */
  sawNextToken(seconds: number): void {
    this.betweenTokens.add(seconds);
  }

  text({ model, cacheBytes, maxCacheBytes }: MetricsFacts): string {
    const label = `model_name="${model.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
    const lines: string[] = [];
    const addAll = (name: string, type: string, help: string, values: [labels: string, value: number][]) => {
      lines.push(`# HELP longspan:${name} ${help}`, `# TYPE longspan:${name} ${type}`);
      for (const [labels, value] of values) lines.push(`longspan:${name}{${labels}} ${value}`);
    };
    const gauge = (name: string, help: string, value: number) => addAll(name, "gauge", help, [[label, value]]);
    const counter = (name: string, help: string, value: number) => addAll(name, "counter", help, [[label, value]]);
    gauge("num_requests_running", "Requests that have their turns now.", this.running - this.waiting);
    gauge("num_requests_waiting", "Requests that wait for their first turn.", this.waiting);
    gauge("kv_cache_usage_perc", "KV pages as a share of --cache-mb; 1 is all.", cacheBytes / maxCacheBytes);
    gauge("kv_cache_bytes", "Bytes of KV pages of all sessions.", cacheBytes);
    counter("prompt_tokens_total", "Tokens of all prompts.", this.promptTokens + this.embeddedTokens);
    counter("prompt_tokens_cached_total", "Of these, tokens that had been read before.", this.cachedTokens);
    counter("prefix_cache_queries_total", "Tokens that were looked for in what had been read.", this.promptTokens);
    counter("prefix_cache_hits_total", "Of these, tokens that were there.", this.cachedTokens);
    counter("generation_tokens_total", "Tokens written.", this.generatedTokens);
    const reasons = [...this.finished].map(([reason, count]): [string, number] => [
      `${label},finished_reason="${reason}"`,
      count,
    ]);
    addAll("request_success_total", "counter", "Requests that ended, by reason.", reasons);
    const histogram = (name: string, help: string, values: Histogram) =>
      lines.push(...values.lines(`longspan:${name}`, help, label));
    histogram("time_to_first_token_seconds", "Seconds to the first token of an answer.", this.firstToken);
    histogram("inter_token_latency_seconds", "Seconds from a token to the next.", this.betweenTokens);
    histogram("e2e_request_latency_seconds", "Seconds from a request to its end.", this.request);
    return `${lines.join("\n")}\n`;
  }
}

class Histogram {
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;
  private count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.sum += value;
    this.count++;
    this.bounds.forEach((bound, i) => {
      if (value <= bound) this.counts[i]++;
    });
  }

  lines(name: string, help: string, label: string): string[] {
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} histogram`,
      ...this.bounds.map((bound, i) => `${name}_bucket{${label},le="${bound}"} ${this.counts[i]}`),
      `${name}_bucket{${label},le="+Inf"} ${this.count}`,
      `${name}_sum{${label}} ${this.sum}`,
      `${name}_count{${label}} ${this.count}`,
    ];
  }
}
