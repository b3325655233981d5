// Where logs go. Application Insights takes them from Entra identities only.
import { telemetry as telemetryType } from '../types.bicep'

param name string
param location string
param tags { *: string }
param telemetry telemetryType
@description('Who may write telemetry.')
param principalId string

var metricsPublisher = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '3913510d-42f4-4e42-8a64-420c390055eb'
)

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = if (telemetry.?workspaceId == null) {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: telemetry.?retentionDays ?? 30
    features: { disableLocalAuth: true, enableLogAccessUsingOnlyResourcePermissions: true }
    workspaceCapping: telemetry.?dailyQuotaGb == null ? null : { dailyQuotaGb: telemetry.dailyQuotaGb! }
  }
}

var workspaceId = telemetry.?workspaceId ?? workspace.id

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, principalId, metricsPublisher)
  properties: {
    roleDefinitionId: metricsPublisher
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output workspaceId string = workspaceId
output insightsId string = insights.id
@description('No secret: it says where, and only Entra identities may write there.')
output insightsConnectionString string = insights.properties.ConnectionString
