import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { longspanHome } from "./home.ts";

test("LONGSPAN_HOME wins, then XDG_CACHE_HOME if it is absolute, then the platform's cache directory", () => {
  assert.equal(longspanHome({ LONGSPAN_HOME: "here", XDG_CACHE_HOME: "/cache" }, "linux"), resolve("here"));
  assert.equal(longspanHome({ XDG_CACHE_HOME: "/cache" }, "linux"), join("/cache", "longspan"));
  assert.equal(longspanHome({ XDG_CACHE_HOME: "relative" }, "linux"), join(homedir(), ".cache", "longspan"));
  assert.equal(longspanHome({}, "darwin"), join(homedir(), "Library", "Caches", "longspan"));
  assert.equal(longspanHome({ LOCALAPPDATA: "C:\\local" }, "win32"), join("C:\\local", "longspan"));
  assert.equal(longspanHome({}, "win32"), join(homedir(), "AppData", "Local", "longspan"));
});
