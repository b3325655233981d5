/**
 * The API server's refusals, word for word (k8s.io/apimachinery/pkg/api/errors/errors.go). Code
 * throws a `Refusal`; the API answers with its status.
 */
export interface Cause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: Cause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, unknown>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

/** Whose name a message bears: `nodes`, or `leases.coordination.k8s.io`. */
export interface GroupResource {
  group: string;
  resource: string;
}

/** The request is refused; carries what the client reads. */
export class Refusal extends Error {
  readonly status: Status;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

export function success(code: number): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code };
}

function qualified({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function about({ group, resource }: GroupResource, name: string): StatusDetails {
  return { name, ...(group === '' ? {} : { group }), kind: resource };
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BadRequest', message);
}

export function notFound(of: GroupResource, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${qualified(of)} "${name}" not found`, about(of, name));
}

/** An unknown path or resource. */
export function noSuchResource(): Refusal {
  return new Refusal(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): Refusal {
  const message = 'the server does not allow this method on the requested resource';
  return new Refusal(405, 'MethodNotAllowed', message, {});
}

export function unsupportedMediaType(accepted: readonly string[]): Refusal {
  const message =
    'the body of the request was in an unknown format - ' +
    `accepted media types include: ${accepted.join(', ')}`;
  return new Refusal(415, 'UnsupportedMediaType', message, {});
}

export function alreadyExists(of: GroupResource, name: string): Refusal {
  const message = `${qualified(of)} "${name}" already exists`;
  return new Refusal(409, 'AlreadyExists', message, about(of, name));
}

export function conflict(of: GroupResource, name: string, why: string): Refusal {
  const message = `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`;
  return new Refusal(409, 'Conflict', message, about(of, name));
}

/** Registry store.go, OptimisticLockErrorMsg. */
export const modifiedSince =
  'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(of: GroupResource, name: string, why: string, causes: Cause[] = []) {
  const details = { ...about(of, name), ...(causes.length === 0 ? {} : { causes }) };
  const subject = name === '' ? qualified(of) : `${qualified(of)} "${name}"`;
  return new Refusal(403, 'Forbidden', `${subject} is forbidden: ${why}`, details);
}

/** Field errors of one object, as validation reports them. */
export function invalid(
  of: GroupResource,
  name: string,
  field: string,
  why: string,
  reason = 'FieldValueInvalid',
): Refusal {
  const subject = of.resource === '' ? '' : `${qualified(of)} "${name}" is invalid: `;
  const message = `${subject === '' ? ' "" is invalid: ' : subject}${field}: ${why}`;
  const details = { ...about(of, name), causes: [{ reason, message: why, field }] };
  return new Refusal(422, 'Invalid', message, details);
}

/**
 * A JSON Patch that does not apply, a failed `test` included: the library's own words are lost
 * (endpoints/handlers/patch.go applyJSPatch answers NewGenericServerResponse(422) with
 * isUnexpectedResponse false, which drops the server's message).
 */
export function patchDoesNotApply(): Refusal {
  const message = 'the server rejected our request due to an error in our request';
  return new Refusal(422, 'Invalid', message, {});
}

export function tooManyRequests(message: string, retryAfterSeconds: number, causes: Cause[]) {
  const details = { ...(retryAfterSeconds === 0 ? {} : { retryAfterSeconds }), causes };
  return new Refusal(429, 'TooManyRequests', message, details);
}

export function expired(message: string): Refusal {
  return new Refusal(410, 'Expired', message);
}
