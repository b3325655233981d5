// The app with everything that it stands on, and its rights on the clusters that it looks after.
// docs/deploy.md goes through it from nothing to the first dry run.
targetScope = 'subscription'

import { settingsDocument } from 'settings.types.bicep'
import { alerts, backend, feature, hosting, network, signIn, telemetry } from 'types.bicep'

@description('Name of the installation: lower-case letters, digits and hyphens. All names are made from it, the same each time.')
@minLength(2)
@maxLength(20)
param name string

@description('Region of everything that is made.')
@metadata({ azd: { type: 'location' } })
param location string = deployment().location

@description('Resource group; it is made when it is not there.')
@minLength(1)
@maxLength(90)
param resourceGroupName string = 'rg-${name}'

@description('The settings document, docs/settings.md. The rights on the clusters follow from it. The app gets it as an app setting.')
param settings settingsDocument

@description('When a run is started: NCRONTAB with seconds, UTC. It says how often is looked; windows in the settings say when nodes may be rebooted.')
param schedule string = '0 0 * * * *'

@description('Where Durable Functions keeps its history.')
param durableBackend backend = { kind: 'azureStorage' }

@description('What the app runs on.')
param appHosting hosting = {}

@description('How the app reaches others, and how it is reached.')
param appNetwork network = { kind: 'public' }

@description('Entra sign-in in front of the HTTP API.')
param appSignIn signIn?

@description('Where logs go.')
param appTelemetry telemetry = {}

@description('What somebody is told about.')
param appAlerts alerts = {}

@description('What the app may do beside what it always has to.')
param features feature[] = []

@description('ARM ids of the Azure Monitor workspaces whose Prometheus the settings ask with Entra tokens.')
param prometheusWorkspaceIds string[] = []

@description('Who decides in the clusters: Kubernetes RBAC (apply infra/kubernetes), or Azure RBAC, which has to be on in every cluster and can say it less narrowly.')
@allowed(['kubernetes', 'azure'])
param clusterAuthorization string = 'kubernetes'

@description('Make the roles and assign them. False where others do that, with infra/access.bicep.')
param assignRoles bool = true

@description('Where a package can be fetched from, without a redirect; it is deployed too then. Empty: deploy it by yourself.')
param packageUri string = ''

@description('Tags of everything that is made.')
param tags { *: string } = {}

var allTags = union({ application: 'aks-reboot-orchestrator', 'azd-env-name': name }, tags)
var token = uniqueString(subscription().id, name, location)
var taskHub = 'reboot'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: 'id-${name}-${token}'
    location: location
    tags: allTags
  }
}

module logs 'modules/telemetry.bicep' = {
  scope: group
  params: {
    name: '${name}-${token}'
    location: location
    tags: allTags
    telemetry: appTelemetry
    principalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: take('st${replace(name, '-', '')}', 11)
    token: token
    location: location
    tags: allTags
    isPrivate: appNetwork.kind == 'private'
    principalId: identity.outputs.principalId
    isAudited: appTelemetry.?auditLogs ?? true
    workspaceId: logs.outputs.workspaceId
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableBackend.kind == 'durableTaskScheduler') {
  scope: group
  params: {
    name: 'dts-${name}-${token}'
    taskHub: taskHub
    location: location
    tags: allTags
    sku: durableBackend.?sku ?? 'Consumption'
    capacity: durableBackend.?capacity ?? 1
    ipAllowlist: durableBackend.?ipAllowlist ?? ['0.0.0.0/0']
    principalId: identity.outputs.principalId
  }
}

module app 'modules/app.bicep' = {
  scope: group
  params: {
    name: 'func-${name}-${token}'
    planName: 'plan-${name}-${token}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storage: storage.outputs.places
    insightsConnectionString: logs.outputs.insightsConnectionString
    isAudited: appTelemetry.?auditLogs ?? true
    workspaceId: logs.outputs.workspaceId
    hosting: appHosting
    network: appNetwork
    signIn: appSignIn
    settings: settings
    schedule: schedule
    taskHub: taskHub
    backend: durableBackend
    schedulerEndpoint: scheduler.?outputs.endpoint ?? ''
    packageUri: packageUri
  }
}

module endpoints 'modules/endpoints.bicep' = if (appNetwork.kind == 'private') {
  scope: group
  params: {
    name: name
    location: location
    tags: allTags
    subnetId: appNetwork.?endpointSubnetId ?? ''
    networkId: join(take(split(appNetwork.?endpointSubnetId ?? '', '/'), 9), '/')
    dnsZoneIds: appNetwork.?dnsZoneIds
    storageId: storage.outputs.id
    siteId: (appNetwork.?privateApp ?? false) ? app.outputs.id : ''
  }
}

module rules 'modules/alerts.bicep' = {
  scope: group
  params: {
    name: name
    location: location
    tags: allTags
    workspaceId: logs.outputs.workspaceId
    insightsId: logs.outputs.insightsId
    alerts: appAlerts
  }
}

module access 'access.bicep' = if (assignRoles) {
  params: {
    name: name
    principalId: identity.outputs.principalId
    clusterIds: map(settings.clusters, cluster => cluster.id)
    features: features
    prometheusWorkspaceIds: prometheusWorkspaceIds
    clusterAuthorization: clusterAuthorization
  }
}

@description('Object id of the identity: what Kubernetes RBAC calls it.')
output principalId string = identity.outputs.principalId
output resourceGroup string = group.name
output functionApp string = app.outputs.name
@description('Where the HTTP API is.')
output url string = 'https://${app.outputs.hostName}'
@description('For npm run build, by way of azd.')
output REBOOT_BACKEND string = durableBackend.kind
