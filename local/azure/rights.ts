import type { Access } from './kubernetes/api.ts';

/** What Azure RBAC, or a cluster's own, is asked before anything is done. */
export type RightAsked =
  | { service: 'arm'; actor: string; action: string; scope: string }
  | { service: 'kubernetes'; actor: string; cluster: string; access: Access };

/**
 * Says who may do what. It sees every question, in the order of arrival, so it is also the record
 * of which rights were used. Without one everybody may do everything that a fleet's `denied`
 * leaves.
 */
export type Rights = (asked: RightAsked) => boolean;

export const everybodyMay: Rights = () => true;
