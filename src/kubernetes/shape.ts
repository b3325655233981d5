import * as z from 'zod';

/**
 * What the views read, as the API promises it. The client reads anything as what it expects: a
 * number as a map without entries, a text as a list of letters. So a mark that is there would be
 * overlooked, and what is no answer of the API is found out before it gets that far.
 */
const texts = z.record(z.string(), z.string()).nullish();
const things = z.array(z.object({})).nullish();
const text = z.string().nullish();

const objectSchema = z.object({
  metadata: z
    .object({ annotations: texts, labels: texts, ownerReferences: things, deletionTimestamp: text })
    .nullish(),
  spec: z
    .object({
      unschedulable: z.boolean().nullish(),
      nodeName: text,
      taints: things,
      volumes: things,
      holderIdentity: text,
    })
    .nullish(),
  // Of a Status it is a text.
  status: z.union([z.string(), z.object({ phase: text, conditions: things })]).nullish(),
});
const answerSchema = objectSchema.extend({ items: z.array(objectSchema).nullish() });

/** Which field of an answer, JSON, has another type than the API gives it; none, if all is well. */
export function misshapen(json: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(json);
  } catch {
    // The client says so itself.
    return undefined;
  }
  const issue = answerSchema.safeParse(answer).error?.issues[0];
  return issue && (issue.path.join('.') || 'all of it');
}

/** So the paths of single objects look that have no name, or a name that a URL reads as a way. */
const nameless = /\/\.{0,2}(?=\/|$)/u;

/**
 * Whether a path names what it is about. A pod called `.` would else be deleted with all others of
 * its namespace.
 */
export function isPath(path: string): boolean {
  return path === '/version/' || !nameless.test(path);
}
