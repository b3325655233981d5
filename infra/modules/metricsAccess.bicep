// May ask the Prometheus of an Azure Monitor workspace.
param workspaceName string
param principalId string

var dataReader = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'b0d8363b-8ddd-447d-831f-62ca05bff136'
)

resource workspace 'Microsoft.Monitor/accounts@2023-04-03' existing = {
  name: workspaceName
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, principalId, dataReader)
  properties: {
    roleDefinitionId: dataReader
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
