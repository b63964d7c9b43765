// Counts what the requests of a Lambda function came to for its users: good or bad. Copy this file beside the handler.
//
//   import { markBad, outcome } from "./outcome.mjs";
//   export const handler = outcome(async (event, context) => { … });
//
// It prints the line of CloudWatch's embedded metric format that docs/outcomes.md describes, one for each invoke.

const REASONS_SHOWN = 5;
const REASON_LENGTH = 200;
// Lambda's limit on a response.
const MOST_BYTES = 6291556;

// Lambda gives a process one request at a time, so one list is enough.
let marks = null;

/** Say, inside a handler, that this request came to nothing good for its user, though the response looks fine. */
export const markBad = (reason) => {
  if (marks) marks.push(textOf(reason));
};

/** Never throws: a mark must not fail the request. */
const textOf = (reason) => {
  try {
    return String(reason);
  } catch (error) {
    return `marked with a ${typeof reason} that has no text (${error?.name})`;
  }
};

/** Whether the invoke is one of Seatrial's: by a version's number, through an alias `dark`, or with its mark. */
export const isDark = (context) => {
  // arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
  const parts = String(context?.invokedFunctionArn ?? "").split(":");
  const dark = parts.length === 8 && (/^\d+$/.test(parts[7]) || parts[7] === "dark");
  return dark || Boolean(context?.clientContext?.custom?.seatrial);
};

/**
 * Count the outcomes of a handler that returns its response or a promise of it; it answers and throws as it did.
 *
 * Bad is: an error, a proxy response with a status of 500 or more, each item that a partial batch response gives back,
 * what `markBad` was called for, and, only with `slowMs`, what took longer. `service` is the function's name unless
 * given. With `highResolution` CloudWatch keeps seconds, and the judge looks at a young release within the minute.
 */
export const outcome = (handler, { service = "", slowMs = null, highResolution = false } = {}) => {
  if (handler.length > 2) {
    throw new TypeError("outcome() counts what a handler returns: make this one async, without callback or stream");
  }
  return async (event, context) => {
    const outer = marks;
    marks = [];
    const began = performance.now();
    const invoke = { event, response: undefined, failed: false, error: undefined };
    try {
      invoke.response = await handler(event, context);
      return invoke.response;
    } catch (error) {
      invoke.failed = true;
      invoke.error = error;
      throw error;
    } finally {
      invoke.milliseconds = performance.now() - began;
      invoke.marks = marks;
      marks = outer;
      report(invoke, context, { service, slowMs, highResolution });
    }
  };
};

/** Print the line. A request that was served must not fail because it couldn't be counted. */
const report = (invoke, context, { service, slowMs, highResolution }) => {
  try {
    if (isDark(context)) return;
    const text = line(decide(invoke, slowMs), {
      service: service || process.env.AWS_LAMBDA_FUNCTION_NAME || context.functionName,
      version: process.env.AWS_LAMBDA_FUNCTION_VERSION || context.functionVersion,
      milliseconds: Date.now(),
      requestId: String(context.awsRequestId ?? ""),
      highResolution,
    });
    // Not console.log: Lambda writes the time and the request's id before it, and CloudWatch no longer finds the JSON.
    process.stdout.write(`${text}\n`);
  } catch (trouble) {
    process.stderr.write(`seatrial outcome could not count this request: ${trouble?.name}: ${trouble?.message}\n`);
  }
};

/** What an invoke came to: how many requests it answered, how many of them were bad, and why. */
const decide = (invoke, slowMs) => {
  const items = itemsOf(invoke.event);
  const status = statusCode(invoke.response);
  const spoilt = spoiltBy(invoke, status, slowMs);
  const reasons = [...spoilt, ...invoke.marks];
  const clientErrors = !items && !spoilt.length && status >= 400 && status < 500 ? 1 : 0;
  if (!items) return { requests: 1, bad: reasons.length ? 1 : 0, reasons, clientErrors };
  if (spoilt.length) return { requests: items.length, bad: items.length, reasons, clientErrors };
  const failed = failedItems(items, invoke.response, isKafka(invoke.event));
  // A mark doesn't say which item it means, and an item that is marked is usually reported too: the larger number.
  const bad = Math.min(items.length, Math.max(failed, invoke.marks.length));
  const reported = failed ? [`${failed} of ${items.length} items failed`] : [];
  return { requests: items.length, bad, reasons: [...reported, ...invoke.marks], clientErrors };
};

/** Why everything in this invoke was bad. */
const spoiltBy = (invoke, status, slowMs) => {
  const reasons = [];
  if (invoke.failed) reasons.push(`raised ${invoke.error?.name ?? typeof invoke.error}`);
  if (status >= 500) reasons.push(`status ${status}`);
  const failed = invoke.failed ? "" : undeliverable(invoke.response);
  if (failed) reasons.push(failed);
  if (slowMs !== null && invoke.milliseconds > slowMs) reasons.push(`slower than ${slowMs} ms`);
  return reasons;
};

/** The status of a proxy response, or null; API Gateway and load balancers also take it as text. */
const statusCode = (response) => {
  const stated = response?.statusCode;
  if (typeof stated === "string" && /^\s*[+-]?\d+\s*$/.test(stated)) return Number(stated);
  return typeof stated === "number" ? Math.trunc(stated) : null;
};

/** Why Lambda, which serialises the response after the handler, will fail it; "" when it will not. */
const undeliverable = (response) => {
  try {
    const size = Buffer.byteLength(JSON.stringify(response) ?? "");
    return size > MOST_BYTES ? `the response has ${(size / 1e6).toFixed(1)} MB, more than Lambda's 6 MB` : "";
  } catch (error) {
    return `the response is not JSON (${error?.name})`;
  }
};

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const isKafka = (event) => isObject(event?.records);

/** The items of a batch (queues, streams, topics; Kafka's by partition), or null for a single request. */
const itemsOf = (event) => {
  const items = isKafka(event) ? Object.values(event.records).filter(Array.isArray).flat(1) : event?.Records;
  return Array.isArray(items) && items.length ? items : null;
};

/** A text that is equal for equal identifiers; "" for one that is not valid. `objects`: they may be objects (Kafka). */
const identifierOf = (failure, objects) => {
  const stated = failure?.itemIdentifier;
  if (typeof stated === "string") return stated;
  if (!objects || !isObject(stated)) return "";
  const sorted = Object.entries(stated).sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.length ? JSON.stringify(sorted) : "";
};

/** How many items a partial batch response returns, as Lambda reads it: an unknown identifier fails the whole batch. */
const failedItems = (items, response, objects) => {
  const failures = response?.batchItemFailures;
  if (!failures || Object.keys(failures).length === 0) return 0;
  if (!Array.isArray(failures)) return items.length;
  const identifiers = new Set(failures.map((failure) => identifierOf(failure, objects)));
  const known = new Set(items.map((item) => item?.messageId).filter((id) => typeof id === "string"));
  const isKnown = (identifier) => identifier && (known.size === 0 || known.has(identifier));
  return [...identifiers].every(isKnown) ? Math.min(items.length, identifiers.size) : items.length;
};

/** The level that the line must name where Lambda drops what is less than the function's log level; "" otherwise. */
const levelToState = () => {
  const level = (process.env.AWS_LAMBDA_LOG_LEVEL ?? "").toUpperCase();
  const drops = (process.env.AWS_LAMBDA_LOG_FORMAT ?? "").toUpperCase() === "JSON";
  return drops && ["WARN", "ERROR", "FATAL"].includes(level) ? level : "";
};

/** The line, without its end. `milliseconds` since 1970 is when the outcome was known: the end of the request. */
const line = (result, { service, version, milliseconds, requestId, highResolution }) => {
  const resolution = highResolution ? { StorageResolution: 1 } : {};
  const directive = (dimensions, names) => ({
    Namespace: "Seatrial",
    Dimensions: dimensions,
    Metrics: names.map((name) => ({ Name: name, Unit: "Count", ...resolution })),
  });
  const directives = [directive([["service"], ["service", "version"]], ["Requests", "BadOutcomes"])];
  // By version alone, and absent where there are none: a metric costs money.
  if (result.clientErrors) directives.push(directive([["service", "version"]], ["ClientErrors"]));
  const level = levelToState();
  return JSON.stringify({
    _aws: { Timestamp: milliseconds, CloudWatchMetrics: directives },
    service,
    version,
    Requests: result.requests,
    BadOutcomes: result.bad,
    request_id: requestId,
    ClientErrors: result.clientErrors || undefined, // which JSON leaves out
    reasons: result.reasons.length
      ? result.reasons.slice(0, REASONS_SHOWN).map((reason) => [...reason].slice(0, REASON_LENGTH).join(""))
      : undefined,
    level: level || undefined,
    timestamp: level ? new Date(milliseconds).toISOString() : undefined,
  });
};
