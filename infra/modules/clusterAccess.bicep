// The rights on one cluster, and on its node resource group.
param clusterName string
param principalId string
param roles { cluster: string, nodes: string, kubernetes: string }

resource cluster 'Microsoft.ContainerService/managedClusters@2025-05-01' existing = {
  name: clusterName
}

resource clusterAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: cluster
  name: guid(cluster.id, principalId, roles.cluster)
  properties: {
    roleDefinitionId: roles.cluster
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource kubernetesAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(roles.kubernetes)) {
  scope: cluster
  name: guid(cluster.id, principalId, 'kubernetes')
  properties: {
    roleDefinitionId: roles.kubernetes
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Only the cluster knows the name of its node resource group, and a scope has to be known when its
// deployment begins: so the name is passed on to a deployment in between.
module nodes 'nodeAccess.bicep' = {
  params: {
    nodeResourceGroup: cluster.properties.nodeResourceGroup
    principalId: principalId
    role: roles.nodes
  }
}
