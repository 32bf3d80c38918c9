/** Entry of every worker thread in Node: becomes the controller of an engine, or a member of its team. */
import v8 from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { serveEngine } from "../engine/controller-methods.ts";
import { type MemberData, serveTeam } from "../runtime/team.ts";
import { nodeHost } from "./node.ts";
import type { Peer } from "./platform.ts";

// Node 20 has relaxed SIMD behind a flag, which must be set in every thread before the first compilation.
v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const port = parentPort;
if (!port) throw new Error("node-worker.js runs only as a worker thread");
const peer: Peer = {
  post: (message, transfer) => port.postMessage(message, transfer ?? []),
  listen: (handler) => port.on("message", handler),
};

const data = workerData as { role: "controller" } | ({ role: "member" } & MemberData);
if (data.role === "controller") serveEngine(nodeHost, peer);
else serveTeam(peer, data);
