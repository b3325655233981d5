// What somebody is told about, from the app's own log lines (docs/operations.md#logs).
import { alerts as alertsType } from '../types.bicep'

param name string
param location string
param tags { *: string }
param workspaceId string
@description('Application Insights of this installation: a workspace may serve several.')
param insightsId string
param alerts alertsType

var hours = alerts.?hoursWithoutRun ?? 26
var days = alerts.?needOlderThanDays ?? 14
var emails = alerts.?emails ?? []

// One JSON object a line; the host adds nothing to it.
var lines = 'AppTraces | where _ResourceId =~ \'${insightsId}\' | where Message startswith \'{\' | extend line = parse_json(Message)'
var closedClusters = '${lines} | where line.message == \'cluster closed\' | extend Cluster = tostring(line.cluster), Run = tostring(line.run)'

var rules = [
  {
    name: 'no-run'
    severity: 1
    title: 'No run was completed for ${hours} hours'
    description: 'The schedule, the app or its storage stands still: docs/operations.md#alerts.'
    query: '${lines} | where TimeGenerated > ago(${hours}h) | where line.message == \'run closed\' and line.detail.purpose == \'reboot\' and (line.detail.source == \'timer\' or line.detail.dryRun == false) | summarize Runs = count() | where Runs == 0'
    window: 'P2D'
    dimensions: []
  }
  {
    name: 'needs-person'
    severity: 2
    title: 'Nodes need a person'
    description: 'The run\'s report says which, and why: docs/operations.md#outcomes.'
    query: '${closedClusters} | extend Nodes = toint(line.detail.needsPerson) | where Nodes > 0'
    window: 'PT1H'
    dimensions: [{ name: 'Cluster', operator: 'Include', values: ['*'] }]
  }
  {
    name: 'halted'
    severity: 1
    title: 'A cluster is halted'
    description: 'A node was restarted and is not proved; no other is begun: docs/operations.md#a-halted-cluster.'
    query: '${closedClusters} | where line.detail.halted == true'
    window: 'PT1H'
    dimensions: [{ name: 'Cluster', operator: 'Include', values: ['*'] }]
  }
  {
    name: 'old-need'
    severity: 3
    title: 'A node has needed a reboot for more than ${days} days'
    description: 'Windows, holds or other gates never let it: docs/operations.md#alerts.'
    query: '${closedClusters} | extend Days = todouble(line.detail.oldestNeedDays) | where Days > ${days}'
    window: 'PT1H'
    dimensions: [{ name: 'Cluster', operator: 'Include', values: ['*'] }]
  }
]

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: take(replace(name, '-', ''), 12)
    emailReceivers: [
      for (address, index) in emails: {
        name: 'mail ${index + 1}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queries 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${name}: ${rule.title}'
      description: rule.description
      enabled: true
      severity: rule.severity
      scopes: [workspaceId]
      evaluationFrequency: 'PT1H'
      windowSize: rule.window
      // The tables are there only after the first line.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            dimensions: rule.dimensions
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: {
        actionGroups: concat(alerts.?actionGroupIds ?? [], empty(emails) ? [] : [mail.id])
      }
    }
  }
]
