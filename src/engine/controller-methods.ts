/** The calls of an engine, as its controller thread answers them. */
import type { Host, Peer } from "../platform/platform.ts";
import type { Profile } from "../runtime/profile.ts";
import { Controller } from "./controller.ts";
import type {
  BeginCall,
  ExportBlocksCall,
  ImportBlocksCall,
  LayerChunkCall,
  LinkCall,
  LoadParams,
  LoadResult,
  PrefillCall,
  SelectingChunkCall,
} from "./controller-calls.ts";
import { serveCalls } from "./rpc.ts";
import { useTechniques } from "./techniques.ts";

export function controllerMethods(host: Host) {
  let controller: Controller | undefined;
  const loaded = () => {
    if (!controller) throw new Error("controller: no model is loaded");
    return controller;
  };
  return profiled(() => controller?.profile, {
    async load(params: LoadParams, progress: (event: unknown) => void): Promise<LoadResult> {
      await useTechniques(params.techniques);
      controller = await Controller.load(host, params, progress);
      return { kernelBuild: controller.kernelBuild };
    },
    open: (params: Parameters<Controller["open"]>[0]) => loaded().open(params),
    fork: (params: Parameters<Controller["fork"]>[0]) => loaded().fork(params),
    drop: (params: Parameters<Controller["drop"]>[0]) => loaded().drop(params),
    kept: (params: { session: number }) => loaded().kept(params),
    statistics: (params: Parameters<Controller["statistics"]>[0]) => loaded().statistics(params),
    trace: (params: { session: number }) => loaded().trace(params),
    readAgain: (params: Parameters<Controller["readAgain"]>[0]) => loaded().readAgain(params),
    beginLayers: (params: Parameters<Controller["beginLayers"]>[0]) => loaded().beginLayers(params),
    layerChunk: (params: LayerChunkCall) => loaded().layerChunk(params),
    endLayers: (params: Parameters<Controller["endLayers"]>[0]) => loaded().endLayers(params),
    beginSelecting: (params: Parameters<Controller["beginSelecting"]>[0]) => loaded().beginSelecting(params),
    selectingChunk: (params: SelectingChunkCall) => loaded().selectingChunk(params),
    endSelecting: (params: Parameters<Controller["endSelecting"]>[0]) => loaded().endSelecting(params),
    expectRoom: (params: Parameters<Controller["expectRoom"]>[0]) => loaded().expectRoom(params),
    prefill: (params: PrefillCall) => loaded().prefill(params),
    exportBlocks: (params: ExportBlocksCall) => loaded().exportBlocks(params),
    importBlocks: (params: ImportBlocksCall) => loaded().importBlocks(params),
    link: (params: LinkCall) => loaded().link(params),
    truncate: (params: Parameters<Controller["truncate"]>[0]) => loaded().truncate(params),
    begin: (params: BeginCall) => loaded().begin(params),
    step: (params: Parameters<Controller["step"]>[0]) => loaded().step(params),
    stepBack: (params: Parameters<Controller["stepBack"]>[0]) => loaded().stepBack(params),
    seenPages: (params: { session: number }) => loaded().seenPages(params),
    recall: (params: { session: number }) => loaded().recall(params),
    memory: (params: { session: number }) => loaded().memory(params),
    engineMemory: (_: undefined) => loaded().engineMemory(),
    profile: ({ reset }: { reset: boolean }) => loaded().profile?.rows(reset) ?? [],
    close: (params: { session: number }) => loaded().close(params),
    stop: async (_: undefined) => controller?.stop(),
  });
}

/** The same methods; what calls take is added to the profile, if there is one by then. */
function profiled<M extends Record<string, (...args: never[]) => unknown>>(
  find: () => Profile | undefined,
  methods: M,
): M {
  const entries = Object.entries(methods).map(([name, method]) => {
    const call = (...args: never[]) => {
      const profile = find();
      return profile ? profile.call(() => method(...args)) : method(...args);
    };
    return [name, call];
  });
  return Object.fromEntries(entries);
}

export type ControllerMethods = ReturnType<typeof controllerMethods>;

export function serveEngine(host: Host, peer: Peer): void {
  serveCalls(peer, controllerMethods(host));
}
