// The custom roles of an installation in one subscription. Their actions are in infra/roles, where
// tests read them too.
targetScope = 'subscription'

import { feature } from '../types.bicep'

param name string
param principalId string
param features feature[]
@description('Make the role for clusters with Azure RBAC for Kubernetes.')
param withKubernetes bool

var clusterRole = loadJsonContent('../roles/cluster.json')
var nodesRole = loadJsonContent('../roles/nodes.json')
var subscriptionRole = loadJsonContent('../roles/subscription.json')
var kubernetesRole = loadJsonContent('../roles/kubernetes.json')

func isWanted(sectionFeature string, wanted string[]) bool =>
  sectionFeature == 'always' || contains(wanted, sectionFeature)

var clusterActions = flatten(map(
  filter(clusterRole.sections, section => isWanted(section.feature, features)),
  section => map(section.rights, right => right.action)
))
var nodesActions = flatten(map(
  filter(nodesRole.sections, section => isWanted(section.feature, features)),
  section => map(section.rights, right => right.action)
))
var subscriptionActions = flatten(map(
  filter(subscriptionRole.sections, section => isWanted(section.feature, features)),
  section => map(section.rights, right => right.action)
))
var kubernetesActions = flatten(flatten(map(
  filter(kubernetesRole.sections, section => isWanted(section.feature, features)),
  section => map(section.rights, right => right.dataActions)
)))

resource cluster 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name, 'cluster')
  properties: {
    roleName: 'aks-reboot-orchestrator ${name} ${clusterRole.title} (${subscription().subscriptionId})'
    description: clusterRole.description
    type: 'CustomRole'
    permissions: [{ actions: clusterActions, notActions: [], dataActions: [], notDataActions: [] }]
    assignableScopes: [subscription().id]
  }
}

resource nodes 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name, 'nodes')
  properties: {
    roleName: 'aks-reboot-orchestrator ${name} ${nodesRole.title} (${subscription().subscriptionId})'
    description: nodesRole.description
    type: 'CustomRole'
    permissions: [{ actions: nodesActions, notActions: [], dataActions: [], notDataActions: [] }]
    assignableScopes: [subscription().id]
  }
}

resource subscriptionWide 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (!empty(subscriptionActions)) {
  name: guid(subscription().id, name, 'subscription')
  properties: {
    roleName: 'aks-reboot-orchestrator ${name} ${subscriptionRole.title} (${subscription().subscriptionId})'
    description: subscriptionRole.description
    type: 'CustomRole'
    permissions: [{ actions: subscriptionActions, notActions: [], dataActions: [], notDataActions: [] }]
    assignableScopes: [subscription().id]
  }
}

resource subscriptionAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(subscriptionActions)) {
  name: guid(subscription().id, principalId, 'subscription')
  properties: {
    roleDefinitionId: subscriptionWide.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource kubernetes 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (withKubernetes) {
  name: guid(subscription().id, name, 'kubernetes')
  properties: {
    roleName: 'aks-reboot-orchestrator ${name} ${kubernetesRole.title} (${subscription().subscriptionId})'
    description: kubernetesRole.description
    type: 'CustomRole'
    permissions: [
      {
        actions: []
        notActions: []
        dataActions: map(kubernetesActions, action => 'Microsoft.ContainerService/managedClusters/${action}')
        notDataActions: []
      }
    ]
    assignableScopes: [subscription().id]
  }
}

output ids {
  cluster: string
  nodes: string
  @description('Empty where Kubernetes RBAC decides.')
  kubernetes: string
} = {
  cluster: cluster.id
  nodes: nodes.id
  kubernetes: withKubernetes ? kubernetes.id : ''
}
