// Hands the assignment on to the node resource group, whose name is known by now.
param nodeResourceGroup string
param principalId string
param role string

module assignment 'groupAccess.bicep' = {
  scope: resourceGroup(nodeResourceGroup)
  params: { principalId: principalId, role: role }
}
