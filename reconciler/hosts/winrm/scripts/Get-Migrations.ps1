<#
.SYNOPSIS
Lists the migration jobs of this host, running and lately ended, whoever started them. Changes nothing.
.DESCRIPTION
A job stays listed for about five minutes after its end. Enumerations are numbers; the machine is named by its VMId. The
machine's state (2 running, 3 off) tells an offline move from a live one: both are jobs of the same type.
.NOTES
Source (learn.microsoft.com): WMI classes Msvm_MigrationJob and Msvm_ComputerSystem, namespace root\virtualization\v2.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$v2 = 'root\virtualization\v2'
$states = @{}
foreach ($machine in @(Get-CimInstance -Namespace $v2 -ClassName Msvm_ComputerSystem)) {
    $states[([string]$machine.Name).ToLower()] = [int]$machine.EnabledState
}
$jobs = @()
foreach ($job in @(Get-CimInstance -Namespace $v2 -ClassName Msvm_MigrationJob)) {
    $started = $null
    if ($null -ne $job.StartTime) { $started = $job.StartTime.ToUniversalTime().ToString('o') }
    $id = ([string]$job.VirtualSystemName).ToLower()
    $jobs += @{
        id = [string]$job.InstanceID; virtualMachine = $id; machineState = $states[$id]
        destination = $job.DestinationHost; jobType = [int]$job.JobType; migrationType = [int]$job.MigrationType
        jobState = [int]$job.JobState; percent = [int]$job.PercentComplete; startedAt = $started
        errorCode = [long]$job.ErrorCode; error = $job.ErrorDescription
    }
}
@{ migrations = $jobs }
