<#
.SYNOPSIS
Asks this host whether a machine could migrate now. Moves nothing.
.DESCRIPTION
Looks at the machine's state first, then lets the migration service judge. The service answers by a job; a job that has not
ended after twenty seconds counts as no objection, because the real start asks again.
.NOTES
Sources (learn.microsoft.com): WMI classes Msvm_VirtualSystemMigrationService (CheckVirtualSystemIsMigratable),
Msvm_VirtualSystemMigrationSettingData and Msvm_ConcreteJob, namespace root\virtualization\v2.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$v2 = 'root\virtualization\v2'
$id = [string][guid]$Request.machineId
$types = @{ live = 32768; offline = 32768; storage = 32769; liveWithStorage = 32771 }

$machine = Get-WmiObject -Namespace $v2 -Class Msvm_ComputerSystem | Where-Object { $_.Name -eq $id }
if ($null -eq $machine) { throw "reconciler.machine-not-found: This host has no virtual machine with the id $id." }
# EnabledState 2 is running, 3 is off, 6 is saved.
$running = [int]$machine.EnabledState -eq 2
if ($Request.kind -like 'live*' -and -not $running) {
    throw 'reconciler.not-migratable: The machine is not running, so it cannot migrate live.'
}
if ($Request.kind -eq 'offline' -and $running) {
    throw 'reconciler.not-migratable: The machine is running; an offline move is for stopped machines.'
}
if ([int]$machine.OperationalStatus[0] -ne 2) {
    throw 'reconciler.busy: The machine takes no request now; another operation is under way.'
}

$service = Get-WmiObject -Namespace $v2 -Class Msvm_VirtualSystemMigrationService
$settings = ([wmiclass]"\\.\$($v2):Msvm_VirtualSystemMigrationSettingData").CreateInstance()
$settings.MigrationType = $types[[string]$Request.kind]
# 5 is TCP, which every host speaks.
if ($Request.destination) { $settings.TransportType = 5 }
$call = $service.GetMethodParameters('CheckVirtualSystemIsMigratable')
$call.ComputerSystem = $machine.__PATH
if ($Request.destination) { $call.DestinationHost = [string]$Request.destination }
$call.MigrationSettingData = $settings.GetText(1)
$answer = $service.InvokeMethod('CheckVirtualSystemIsMigratable', $call, $null)
$code = [long]$answer.ReturnValue
if ($code -ne 0 -and $code -ne 4096) {
    throw ('reconciler.not-migratable: The migration service refuses the machine (0x{0:X8}).' -f $code)
}
if ($code -eq 4096) {
    foreach ($round in 1..40) {
        $job = [wmi]$answer.Job
        if (@(7, 32768) -contains [int]$job.JobState) { break }
        if (@(8, 9, 10) -contains [int]$job.JobState) {
            throw "reconciler.not-migratable: $($job.ErrorDescription)"
        }
        Start-Sleep -Milliseconds 500
    }
}
@{ migratable = $true }
