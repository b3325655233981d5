import type { RightAsked, Rights } from '../../local/azure/rights.ts';

/** A right as both worlds spell it: an action of Azure's, or `create pods/eviction`. */
export function spelled(asked: RightAsked): string {
  if (asked.service === 'arm') return asked.action;
  const { access } = asked;
  if (access.kind === 'path') return `${access.verb} ${access.path}`;
  const { verb, resource, group, namespace } = access;
  // What is granted everywhere is granted there, too: only these are granted in one namespace.
  const only = ['leases', 'events'].includes(resource) ? ` in ${namespace}` : '';
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}${only}`;
}

/** Remembers what the app (any process of it) asked for. */
export function watchedRights(): { rights: Rights; used: ReadonlySet<string> } {
  const used = new Set<string>();
  return {
    used,
    rights: (asked) => {
      if (isApp(asked)) used.add(spelled(asked));
      return true;
    },
  };
}

/** Everything but one right. */
export function without(right: string): Rights {
  return (asked) => !isApp(asked) || spelled(asked) !== right;
}

const isApp = ({ actor }: RightAsked) => /^app-\d+$/u.test(actor);
