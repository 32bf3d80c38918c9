/** f32: pages stay as they were computed. The reference that other formats are measured against. */
import { techniqueOptions } from "../../technique.ts";
import { defineFormat } from "./format.ts";

export const f32 = defineFormat({
  id: "f32",
  summary: "as computed",
  source: "",
  options: techniqueOptions("f32", {}),
  pages: () => ({ first: "f32", rest: "f32" }),
});
