<#
.SYNOPSIS
Makes one virtual machine of this host a role of its cluster, with the settings that an earlier role had.
.DESCRIPTION
Safe to repeat: an existing role is kept and only gets the settings. Owners that are no nodes of this cluster are left out,
because a machine may come from another cluster; so is a list of possible owners that does not name this very node.
.NOTES
Sources (learn.microsoft.com): cmdlets Add-ClusterVirtualMachineRole (-VMId), Get-ClusterGroup, Get-ClusterResource,
Get-ClusterNode, Set-ClusterOwnerNode; property AntiAffinityClassNames of a group, a StringCollection.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$id = [string][guid]$Request.machineId
if (@(Get-Service -Name ClusSvc -ErrorAction SilentlyContinue | Where-Object { [string]$_.Status -eq 'Running' }).Count -eq 0) {
    throw 'reconciler.not-a-cluster-node: This host is not a running node of a cluster.'
}
$machine = Get-VM | Where-Object { [string]$_.Id -eq $id }
if ($null -eq $machine) { throw "reconciler.machine-not-found: This host has no virtual machine with the id $id." }
$role = Get-ClusterGroup -VMId $id -ErrorAction SilentlyContinue
if ($null -eq $role) {
    $null = Add-ClusterVirtualMachineRole -VMId $id
    $role = Get-ClusterGroup -VMId $id
}

$settings = $Request.settings
if ($null -ne $settings.priority) { $role.Priority = [int]$settings.priority }
if ($null -ne $settings.autoFailbackType) { $role.AutoFailbackType = [int]$settings.autoFailbackType }
if ($null -ne $settings.failbackWindowStart) { $role.FailbackWindowStart = [long]$settings.failbackWindowStart }
if ($null -ne $settings.failbackWindowEnd) { $role.FailbackWindowEnd = [long]$settings.failbackWindowEnd }
if ($null -ne $settings.failoverPeriod) { $role.FailoverPeriod = [long]$settings.failoverPeriod }
if ($null -ne $settings.failoverThreshold) { $role.FailoverThreshold = [long]$settings.failoverThreshold }
$classes = [System.Collections.Specialized.StringCollection]::new()
foreach ($class in @($settings.antiAffinityClassNames)) { if ($class) { $null = $classes.Add([string]$class) } }
if ($classes.Count -gt 0) { $role.AntiAffinityClassNames = $classes }

$nodes = @(Get-ClusterNode | ForEach-Object { [string]$_.Name })
$preferred = @($settings.preferredOwners | Where-Object { $nodes -contains $_ })
if ($preferred.Count -gt 0) { $null = Set-ClusterOwnerNode -Group $role.Name -Owners $preferred }
$possible = @($settings.possibleOwners | Where-Object { $nodes -contains $_ })
if ($possible -contains $env:COMPUTERNAME -and $possible.Count -lt $nodes.Count) {
    $resources = $role | Get-ClusterResource | Where-Object { [string]$_.ResourceType -like 'Virtual Machine*' }
    foreach ($resource in @($resources)) { $null = Set-ClusterOwnerNode -Resource $resource.Name -Owners $possible }
}
@{}
