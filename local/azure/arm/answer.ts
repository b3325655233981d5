/** ARM's answers, and its errors as the real service words them. */
export interface ArmAnswer {
  status: number;
  headers: Record<string, string>;
  /** Undefined: no body at all. */
  body: unknown;
}

export interface ArmError {
  code: string;
  message: string;
  target?: string;
  details?: ArmError[];
}

export const ok = (body: unknown): ArmAnswer => ({ status: 200, headers: {}, body });

export function failure(
  status: number,
  error: ArmError,
  headers: Record<string, string> = {},
): ArmAnswer {
  return { status, headers, body: { error } };
}

export const resourceNotFound = (type: string, name: string, group: string) =>
  failure(404, {
    code: 'ResourceNotFound',
    message:
      `The Resource '${type}/${name}' under resource group '${group}' was not found. ` +
      'For more details please go to https://aka.ms/ARMResourceNotFoundFix',
  });

export const resourceGroupNotFound = (group: string) =>
  failure(404, {
    code: 'ResourceGroupNotFound',
    message: `Resource group '${group}' could not be found.`,
  });

export const subscriptionNotFound = (subscription: string) =>
  failure(404, {
    code: 'SubscriptionNotFound',
    message: `The subscription '${subscription}' could not be found.`,
  });

/** An instance that its scale set does not have. */
export const instanceNotFound = (instanceId: string) =>
  failure(404, {
    code: 'NotFound',
    message: `The entity was not found in this Azure location: instance ${instanceId}.`,
  });

export const conflict = (code: string, message: string) => failure(409, { code, message });
