import { readFileSync } from 'node:fs';
import { templateFile } from '../../infra/compile.ts';

/** The compiled template, read as people who audit it would: every resource, wherever it is nested. */

export interface Resource {
  type: string;
  name: string;
  scope?: string;
  existing?: boolean;
  subscriptionId?: string;
  resourceGroup?: string;
  condition?: string;
  properties?: Record<string, unknown>;
  [more: string]: unknown;
}

export interface Template {
  parameters: Record<string, { metadata?: { description?: string }; [more: string]: unknown }>;
  definitions?: Record<string, { allowedValues?: string[]; [more: string]: unknown }>;
  variables?: Record<string, unknown>;
  resources: Record<string, Resource> | Resource[];
  outputs?: Record<string, { type?: string; value: unknown }>;
}

export const readTemplate = (): Template =>
  JSON.parse(readFileSync(templateFile, 'utf8')) as Template;

/** A template and all that are nested in it; `within` are the deployments around it. */
export function templatesIn(
  template: Template,
  within: readonly Resource[] = [],
): { template: Template; within: readonly Resource[] }[] {
  const nested = Object.values(template.resources).filter(isDeployment);
  return [
    { template, within },
    ...nested.flatMap((deployment) =>
      templatesIn(deployment.properties.template, [...within, deployment]),
    ),
  ];
}

type Deployment = Resource & { properties: { template: Template } };

function isDeployment(resource: Resource): resource is Deployment {
  return resource.type === 'Microsoft.Resources/deployments';
}
