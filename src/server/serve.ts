/** Gives an app a port, and takes it away again: what runs is broken off, nothing is left open. */
import { serve } from "@hono/node-server";
import { InputError } from "../runtime/errors.ts";
import type { Site } from "./loading.ts";

export interface Listening {
  /** http://host:port */
  readonly url: string;
  stop(): Promise<void>;
}

export function listen(server: Site, { host, port }: { host: string; port: number }): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const listener = serve(
      { fetch: (request, env) => server.app.fetch(request, env), hostname: host, port },
      ({ port }) => {
        const name = host.includes(":") ? `[${host}]` : host;
        resolve({
          url: `http://${name}:${port}`,
          async stop() {
            const closed = new Promise<void>((done) => listener.close(() => done()));
            await server.stop();
            if ("closeAllConnections" in listener) listener.closeAllConnections();
            await closed;
          },
        });
      },
    );
    listener.once("error", (error: NodeJS.ErrnoException) => {
      const reasons: Record<string, string> = {
        EADDRINUSE: "another program listens there. Pass another --port.",
        EACCES: "that needs more rights. Pass a --port above 1023.",
        EADDRNOTAVAIL: "this machine has no such address. Pass another --host.",
      };
      const reason = reasons[error.code ?? ""];
      reject(reason ? new InputError(`serve: cannot listen on ${host}:${port}: ${reason}`) : error);
    });
  });
}
