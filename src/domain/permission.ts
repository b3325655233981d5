/** What Azure RBAC grants at a scope, as the role definitions say it: wildcards included. */
export interface Permission {
  actions: readonly string[];
  notActions: readonly string[];
}

/** The actions that none of the permissions grants. Azure compares actions without case. */
export function missingActions(
  required: readonly string[],
  permissions: readonly Permission[],
): string[] {
  return required.filter(
    (action) =>
      !permissions.some(
        ({ actions, notActions }) =>
          actions.some((granted) => covers(granted, action)) &&
          !notActions.some((taken) => covers(taken, action)),
      ),
  );
}

/** `*` stands for any text, slashes too: `Microsoft.Compute/* /read`, without the blank. */
function covers(pattern: string, action: string): boolean {
  const parts = pattern.toLowerCase().split('*').map(escaped);
  return new RegExp(`^${parts.join('.*')}$`, 'u').test(action.toLowerCase());
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/gu, String.raw`\$&`);
}
