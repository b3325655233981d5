@export()
@description('Where Durable Functions keeps its history. Changing it begins a new history: let running runs end first.')
@discriminator('kind')
type backend = azureStorageBackend | durableTaskSchedulerBackend

@export()
@description('The storage account that the app has anyway. Costs what its queues are looked at.')
@sealed()
type azureStorageBackend = {
  kind: 'azureStorage'

  @description('How many instances can share the orchestrations; more cost more looks at queues. Fixed once the task hub is made. Default 4.')
  @minValue(1)
  @maxValue(16)
  partitionCount: int?

  @description('The longest pause between two looks at an idle queue, which is also the longest gap between two nodes. Default 5.')
  @minValue(1)
  @maxValue(10)
  queuePollingSeconds: int?
}

@export()
@description('A Durable Task Scheduler of its own. The package has to be built for it: npm run package -- --backend durableTaskScheduler.')
@sealed()
type durableTaskSchedulerBackend = {
  kind: 'durableTaskScheduler'

  @description('Consumption is billed by what is dispatched, Dedicated by capacity units. Default Consumption.')
  sku: ('Consumption' | 'Dedicated')?

  @description('Capacity units of the Dedicated SKU. Default 1.')
  @minValue(1)
  @maxValue(3)
  capacity: int?

  @description('Addresses from which the scheduler can be reached, as CIDR; Entra decides in any case. Default: all.')
  @minLength(1)
  ipAllowlist: string[]?
}

@export()
@description('What the app runs on.')
@sealed()
type hosting = {
  @description('Node.js of the app. Default 24.')
  nodeVersion: ('22' | '24')?

  @description('Memory of an instance, MB. 512 is enough up to 5,000 nodes. Default 2048.')
  instanceMemoryMB: (512 | 2048 | 4096)?

  @description('Instances that are always there for orchestrations. 0 costs nothing while nothing runs, and adds a cold start to whatever begins. Default 1.')
  @minValue(0)
  @maxValue(3)
  alwaysReadyInstances: int?

  @description('How far the platform may scale out. Default 40, which used to be the smallest that it takes.')
  @minValue(1)
  @maxValue(1000)
  maximumInstances: int?
}

@export()
@description('How the app reaches others, and how it is reached.')
@discriminator('kind')
type network = publicNetwork | integratedNetwork | privateNetwork

@export()
@description('Public endpoints, which take nothing but Entra tokens and, for the HTTP API, function keys.')
@sealed()
type publicNetwork = {
  kind: 'public'
}

@export()
@description('Calls go out through a virtual network, so that API servers of private clusters are reached.')
@sealed()
type integratedNetwork = {
  kind: 'integrated'

  @description('ARM id of a subnet of at least /27, delegated to Microsoft.App/environments, for this app alone.')
  appSubnetId: string
}

@export()
@description('As integrated; and the storage account is reached by private endpoints only.')
@sealed()
type privateNetwork = {
  kind: 'private'

  @description('ARM id of a subnet of at least /27, delegated to Microsoft.App/environments, for this app alone.')
  appSubnetId: string

  @description('ARM id of the subnet for the private endpoints.')
  endpointSubnetId: string

  @description('ARM ids of the private DNS zones. Without it they are made here and linked to the virtual network of the endpoints.')
  dnsZoneIds: dnsZoneIds?

  @description('The HTTP API too is reached by a private endpoint only; so is deployment. Default false.')
  privateApp: bool?
}

@export()
@sealed()
type dnsZoneIds = {
  blob: string
  queue: string
  table: string
  @description('Of the app; needed with privateApp.')
  sites: string?
}

@export()
@description('Entra sign-in in front of the HTTP API, beside the function keys.')
@sealed()
type signIn = {
  @description('Application (client) id of the app registration.')
  clientId: string

  @description('Tenant whose tokens count. Default: the tenant of the deployment.')
  tenantId: string?

  @description('Audiences of the tokens that are taken. Default: api://<clientId>.')
  allowedAudiences: string[]?

  @description('Client ids of the applications that may call. Default: any of the tenant.')
  allowedApplications: string[]?

  @description('Object ids of people, groups or identities that may call. Default: any of the tenant.')
  allowedPrincipals: string[]?
}

@export()
@description('Where logs go.')
@sealed()
type telemetry = {
  @description('ARM id of a Log Analytics workspace. Without it one is made.')
  workspaceId: string?

  @description('How long the workspace that is made keeps logs, days. Default 30.')
  @minValue(30)
  @maxValue(730)
  retentionDays: int?

  @description('How much the workspace that is made takes in a day, GB; a stop, not a budget. Default: no limit.')
  @minValue(1)
  dailyQuotaGb: int?

  @description('Who reads, writes and deletes in the storage account is logged, and who signs in at the app. Default true.')
  auditLogs: bool?
}

@export()
@description('What somebody is told about.')
@sealed()
type alerts = {
  @description('Addresses that get a mail.')
  emails: string[]?

  @description('ARM ids of action groups that exist already.')
  actionGroupIds: string[]?

  @description('No run was completed for so many hours. Default 26: a daily schedule and two hours.')
  @minValue(2)
  @maxValue(47)
  hoursWithoutRun: int?

  @description('A node has needed a reboot for longer than so many days. Default 14.')
  @minValue(1)
  @maxValue(365)
  needOlderThanDays: int?
}

@export()
@description('What the app may do beside what it always has to. Each adds rights: docs/security.md.')
type feature = 'aksRunCommand' | 'azureAlerts' | 'deletePods' | 'maintenanceSchedules'
