<#
.SYNOPSIS
Sets how many live migrations each node of this host's cluster may run at once.
.DESCRIPTION
The cluster's number takes precedence over the setting of every node, so clusters are set here and never node by node.
.NOTES
Source (learn.microsoft.com): cmdlet Get-Cluster, property MaximumParallelMigrations (Windows Server 2022 with the update of
September 2022, and later).
#>
param($Request)

$ErrorActionPreference = 'Stop'
if (@(Get-Service -Name ClusSvc -ErrorAction SilentlyContinue | Where-Object { [string]$_.Status -eq 'Running' }).Count -eq 0) {
    throw 'reconciler.not-a-cluster-node: This host is not a running node of a cluster.'
}
$cluster = Get-Cluster
if ($null -eq $cluster.MaximumParallelMigrations) {
    throw 'reconciler.refused: This version of Windows has no cluster-wide limit of parallel migrations.'
}
if ([int]$cluster.MaximumParallelMigrations -ne [int]$Request.maximumParallelMigrations) {
    $cluster.MaximumParallelMigrations = [int]$Request.maximumParallelMigrations
}
@{}
