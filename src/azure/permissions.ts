import * as z from 'zod';
import type { Permission } from '../domain/permission.ts';
import type { Rest } from './rest.ts';

const apiVersion = '2022-04-01';

const permissionSchema = z.object({
  actions: z.array(z.string()).default([]),
  notActions: z.array(z.string()).default([]),
});

/**
 * What the caller may do at a scope, role by role; tells nothing of deny assignments and locks
 * (learn.microsoft.com/rest/api/authorization/permissions).
 */
export function listPermissions(rest: Rest, scope: string): Promise<Permission[]> {
  const path = `${scope}/providers/Microsoft.Authorization/permissions?api-version=${apiVersion}`;
  return rest.list(path, permissionSchema);
}
