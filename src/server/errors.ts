/** Errors as clients read them: OpenAI's { error: { message, type, param, code } }, or Anthropic's, with a status. */
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";

export type ErrorStatus = 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;

export class RequestError extends Error {
  readonly status: ErrorStatus;
  readonly code: string | null;
  readonly param: string | null;

  constructor(
    status: ErrorStatus,
    message: string,
    { code = null, param = null }: { code?: string | null; param?: string | null } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** Agents look for this code and for these words. */
export function tooLong(contextLength: number, promptTokens: number, maxTokens: number): RequestError {
  return new RequestError(
    400,
    `This model's maximum context length is ${contextLength} tokens. However, you requested ${promptTokens + maxTokens} tokens ` +
      `(${promptTokens} in the messages, ${maxTokens} in the completion). Please reduce the length of the messages or completion.`,
    { code: "context_length_exceeded", param: "messages" },
  );
}

export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof CapacityError) return new RequestError(503, error.message, { code: "out_of_memory" });
  if (error instanceof InputError || error instanceof UnsupportedError) return new RequestError(400, error.message);
  return new RequestError(500, "The server failed; its log says more. This is a bug in Longspan.");
}

export function errorBody({ status, message, param, code }: RequestError): object {
  const type =
    status === 401
      ? "authentication_error"
      : status === 429
        ? "rate_limit_error"
        : status >= 500
          ? "server_error"
          : "invalid_request_error";
  return { error: { message, type, param, code } };
}

const anthropicTypes: Record<ErrorStatus, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  409: "invalid_request_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  503: "overloaded_error",
};

export function anthropicErrorBody({ status, message }: RequestError) {
  return { type: "error", error: { type: anthropicTypes[status], message } };
}

/** In the dialect of the route. */
export function errorBodyAt(path: string, error: RequestError): object {
  return /^\/v1\/messages(\/|$)/.test(path) ? anthropicErrorBody(error) : errorBody(error);
}
