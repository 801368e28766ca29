<#
.SYNOPSIS
Makes one virtual machine of this host a role of its cluster, with the settings that an earlier role had.
.DESCRIPTION
Safe to repeat: an existing role is kept and only gets the settings. Preferred owners that are no nodes of this cluster are
left out, because a machine may come from another cluster.
.NOTES
Sources (learn.microsoft.com): cmdlets Add-ClusterVirtualMachineRole (-VMId), Get-ClusterGroup, Get-ClusterNode,
Set-ClusterOwnerNode.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$id = [string][guid]$Request.machineId
if (@(Get-Service | Where-Object { $_.Name -eq 'ClusSvc' -and [string]$_.Status -eq 'Running' }).Count -eq 0) {
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
$nodes = @(Get-ClusterNode | ForEach-Object { [string]$_.Name })
$owners = @($settings.preferredOwners | Where-Object { $nodes -contains $_ })
if ($owners.Count -gt 0) { Set-ClusterOwnerNode -Group $role.Name -Owners $owners }
@{}
