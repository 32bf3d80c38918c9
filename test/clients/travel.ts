/** A tool and a schema whose values are few, so that a model that writes at random comes to an end. */
import { z } from "zod";

export const place = z.object({ city: z.enum(["Oslo", "Rome"]), isNear: z.boolean() });
export const parameters = z.toJSONSchema(place);
export const tools = [
  { type: "function" as const, function: { name: "travel", description: "Go there.", parameters } },
];

const content = "Where is the shore?";
/** A question, with room for a whole call. */
export const asked = {
  ...{ model: "tiny", temperature: 0, max_tokens: 200 },
  messages: [{ role: "user" as const, content }],
};
