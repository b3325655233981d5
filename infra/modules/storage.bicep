// The storage account: package, host, durable history and reports. There is no way in by a key.
@minLength(2)
@maxLength(11)
param name string
@minLength(13)
@maxLength(13)
param token string
param location string
param tags { *: string }
@description('Reached by private endpoints only.')
param isPrivate bool
@description('Who keeps things here.')
param principalId string
@description('Log who wrote and deleted blobs.')
param isAudited bool
param workspaceId string

// The Functions host needs to own blobs (it manages its leases and keys there), Durable Functions
// its queues and tables.
var roles = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: '${name}${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: 'app-package'
      properties: { publicAccess: 'None' }
    }

    resource reports 'containers' = {
      name: 'reboot-reports'
      properties: { publicAccess: 'None' }
    }
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    scope: account
    name: guid(account.id, principalId, role.value)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (isAudited) {
  scope: account::blobs
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    // Not reads: the host looks at its leases all day.
    logs: [
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
  }
}

output id string = account.id
output places { blob: string, queue: string, table: string, packageContainer: string, reportsContainer: string } = {
  blob: account.properties.primaryEndpoints.blob
  queue: account.properties.primaryEndpoints.queue
  table: account.properties.primaryEndpoints.table
  packageContainer: account::blobs::packages.name
  reportsContainer: account::blobs::reports.name
}
