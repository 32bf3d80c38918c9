/** Requests to the server that this page came from. The key, where it wants one, lasts as long as the tab. */
import type { Plan } from "./types.ts";

const KEY = "longspan-key";

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function setKey(key: string): void {
  sessionStorage.setItem(KEY, key);
}

export function hasKey(): boolean {
  return sessionStorage.getItem(KEY) !== null;
}

/** Throws ApiError with the server's own words. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = sessionStorage.getItem(KEY);
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  const response = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Look whether `longspan serve` still runs.");
  });
  if (response.ok) return response;
  const body = await response.json().catch(() => undefined);
  throw new ApiError(response.status, body?.error?.message ?? `The server answered ${response.status}.`);
}

export async function getJson<T>(path: string): Promise<T> {
  return (await request(path)).json();
}

/** As a file of the browser's downloads: a link could not carry the key. */
export async function save(path: string, name: string): Promise<void> {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await (await request(path)).blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}

export async function postJson<T>(path: string, body: unknown): Promise<T> {
  return (await request(path, jsonOf(body))).json();
}

export function jsonOf(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

export interface CheckedPlan {
  readonly plan: Plan;
  readonly context_length: number;
  readonly notes: readonly string[];
  readonly problems: readonly { readonly where: string; readonly reason: string; readonly remedy: string }[];
}

export function checkPlan(plan: unknown): Promise<CheckedPlan> {
  return postJson("/v1/plans/check", plan);
}
