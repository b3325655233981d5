// A Durable Task Scheduler with one task hub, for those who don't want the history in the storage account.
param name string
param taskHub string
param location string
param tags { *: string }
@allowed(['Consumption', 'Dedicated'])
param sku string
@minValue(1)
param capacity int
param ipAllowlist string[]
@description('Who works on the task hub.')
param principalId string

var dataContributor = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '0ad04412-c4d5-4796-b79c-f76d14c8d402'
)

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    ipAllowlist: ipAllowlist
    sku: sku == 'Dedicated' ? { name: sku, capacity: capacity } : { name: sku }
  }

  resource hub 'taskHubs' = {
    name: taskHub
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: scheduler::hub
  name: guid(scheduler::hub.id, principalId, dataContributor)
  properties: {
    roleDefinitionId: dataContributor
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output endpoint string = scheduler.properties.endpoint
