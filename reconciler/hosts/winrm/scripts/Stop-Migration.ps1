<#
.SYNOPSIS
Asks for the end of a running migration; the machine then stays, whole, at its source.
.DESCRIPTION
Only asks: the job ends by itself a little later. A job that has ended is left alone. The id cluster:VMID means a move that
the cluster was asked for and that had no job of its own yet.
.NOTES
Sources (learn.microsoft.com): WMI class Msvm_MigrationJob (RequestStateChange); cmdlet
Move-ClusterVirtualMachineRole (-Cancel).
#>
param($Request)

$ErrorActionPreference = 'Stop'
$id = [string]$Request.migrationId
if ($id -like 'cluster:*') {
    $machine = [string][guid]$id.Substring(8)
    $null = Move-ClusterVirtualMachineRole -VMId $machine -Cancel
    return @{}
}
$job = Get-WmiObject -Namespace root\virtualization\v2 -Class Msvm_MigrationJob | Where-Object { $_.InstanceID -eq $id }
if ($null -eq $job) { throw 'reconciler.not-found: This host has no such migration; it may have ended.' }
if (@(7, 8, 9, 10, 32768) -contains [int]$job.JobState) { return @{} }
if (-not $job.Cancellable) { throw 'reconciler.refused: The migration can no longer be cancelled.' }
$call = $job.GetMethodParameters('RequestStateChange')
# 4 asks the job to terminate in an orderly way.
$call.RequestedState = 4
$code = [long]$job.InvokeMethod('RequestStateChange', $call, $null).ReturnValue
if ($code -ne 0 -and $code -ne 4096) { throw ('reconciler.refused: The job refuses to end (0x{0:X8}).' -f $code) }
@{}
