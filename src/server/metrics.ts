/** Counters and gauges as Prometheus reads them, under vLLM's names with our prefix. */
export class Metrics {
  running = 0;
  promptTokens = 0;
  cachedTokens = 0;
  generatedTokens = 0;
  private readonly finished = new Map<string, number>();
  private readonly firstToken = new Histogram([0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]);

  /** `reason`: stop, length, abort or error. */
  finish(reason: string): void {
    this.finished.set(reason, (this.finished.get(reason) ?? 0) + 1);
  }

  /** Seconds from the request to its first token. */
  sawFirstToken(seconds: number): void {
    this.firstToken.add(seconds);
  }

  text({ model, cacheBytes }: { model: string; cacheBytes: number }): string {
    const label = `model_name="${model.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
    const lines: string[] = [];
    const add = (name: string, type: "gauge" | "counter", help: string, values: [labels: string, value: number][]) => {
      lines.push(`# HELP longspan:${name} ${help}`, `# TYPE longspan:${name} ${type}`);
      for (const [labels, value] of values) lines.push(`longspan:${name}{${labels}} ${value}`);
    };
    add("num_requests_running", "gauge", "Requests that are answered now.", [[label, this.running]]);
    add("kv_cache_bytes", "gauge", "Bytes of KV pages of all sessions.", [[label, cacheBytes]]);
    add("prompt_tokens_total", "counter", "Tokens of all prompts.", [[label, this.promptTokens]]);
    add("prompt_tokens_cached_total", "counter", "Of these, tokens that had been read before.", [
      [label, this.cachedTokens],
    ]);
    add("generation_tokens_total", "counter", "Tokens written.", [[label, this.generatedTokens]]);
    const reasons = [...this.finished].map(([reason, count]): [string, number] => [
      `${label},finished_reason="${reason}"`,
      count,
    ]);
    add("request_success_total", "counter", "Requests that ended, by reason.", reasons);
    lines.push(...this.firstToken.lines("longspan:time_to_first_token_seconds", label));
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

  lines(name: string, label: string): string[] {
    return [
      `# HELP ${name} Seconds to the first token of an answer.`,
      `# TYPE ${name} histogram`,
      ...this.bounds.map((bound, i) => `${name}_bucket{${label},le="${bound}"} ${this.counts[i]}`),
      `${name}_bucket{${label},le="+Inf"} ${this.count}`,
      `${name}_sum{${label}} ${this.sum}`,
      `${name}_count{${label}} ${this.count}`,
    ];
  }
}
