<#
.SYNOPSIS
Reports this host, its virtual machines, its migrations and its cluster as one object. Changes nothing.
.DESCRIPTION
Each kind of fact is read once for all machines and joined by VMId: the lazy properties of a machine would cost a query each.
What cannot be read stays null and is named in host.problems; it is never reported as absent. Enumerations are numbers.
Shares are left to the controller: their free space would need the caller's credentials on the file server.
.NOTES
Sources (learn.microsoft.com): module Hyper-V, Get-VMHost, Get-VM, Get-VMHardDiskDrive, Get-VHD, Get-VMSnapshot and the like;
module FailoverClusters, Get-Cluster, Get-ClusterNode, Get-ClusterSharedVolume; WMI class Msvm_VirtualSystemMigrationService.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$seen = @{ problems = @() }

# Returns all that the block gives as one array, or null where it fails; the failure is noted.
function Read-Part {
    param($Name, $Block)
    try { return , @(& $Block) } catch { $seen.problems += "$Name`: $($_.Exception.Message)" }
}

$vmhost = Get-VMHost
# A planned machine (type 4) is only the far end of a migration that is on its way.
$machines = @(Get-VM | Where-Object { [int]$_.VirtualMachineType -ne 4 })

$system = Read-Part 'memory' { Get-CimInstance -ClassName Win32_OperatingSystem }
$processor = Read-Part 'processor' { Get-CimInstance -ClassName Win32_Processor }
$switches = Read-Part 'switches' { Get-VMSwitch | ForEach-Object { [string]$_.Name } | Sort-Object -Unique }
$volumes = Read-Part 'volumes' {
    Get-CimInstance -ClassName Win32_LogicalDisk | Where-Object { $_.DriveType -eq 3 } | ForEach-Object {
        @{ path = [string]$_.DeviceID + '\'; sizeBytes = [long]$_.Size; freeBytes = [long]$_.FreeSpace }
    }
}
$networks = 'any'
if (-not $vmhost.UseAnyNetworkForMigration) {
    $networks = Read-Part 'networks' {
        Get-VMMigrationNetwork | Sort-Object -Property Priority | ForEach-Object { [string]$_.Subnet }
    }
}
$v2 = 'root\virtualization\v2'
$service = Read-Part 'migration slots' { Get-CimInstance -Namespace $v2 -ClassName Msvm_VirtualSystemMigrationService }
$jobs = Read-Part 'migrations' {
    Get-CimInstance -Namespace $v2 -ClassName Msvm_MigrationJob | ForEach-Object {
        $started = $null
        if ($null -ne $_.StartTime) { $started = $_.StartTime.ToUniversalTime().ToString('o') }
        @{
            id = [string]$_.InstanceID; virtualMachine = ([string]$_.VirtualSystemName).ToLower()
            destination = $_.DestinationHost
            jobType = [int]$_.JobType; migrationType = [int]$_.MigrationType; jobState = [int]$_.JobState
            percent = [int]$_.PercentComplete; startedAt = $started; errorCode = [int]$_.ErrorCode; error = $_.ErrorDescription
        }
    }
}

$drives = $null; $adapters = $null; $isos = $null; $checkpoints = $null; $processors = $null; $devices = $null
if ($machines.Count -gt 0) {
    $drives = Read-Part 'disks' { Get-VMHardDiskDrive -VM $machines }
    $adapters = Read-Part 'network adapters' { Get-VMNetworkAdapter -VM $machines }
    $isos = Read-Part 'DVD drives' { Get-VMDvdDrive -VM $machines }
    $checkpoints = Read-Part 'checkpoints' { Get-VMSnapshot -VM $machines }
    $processors = Read-Part 'processors of machines' { Get-VMProcessor -VM $machines }
    $devices = Read-Part 'assigned devices' { Get-VMAssignableDevice -VM $machines }
}

$list = @()
foreach ($machine in $machines) {
    $id = [string]$machine.Id
    $disks = @()
    foreach ($drive in @($drives | Where-Object { [string]$_.VMId -eq $id })) {
        # A file on a share may be closed to this session; its sizes then stay unknown.
        $image = $null
        try { if ($null -eq $drive.DiskNumber) { $image = Get-VHD -Path $drive.Path } } catch { $image = $null }
        $disk = @{
            controller = [string]$drive.ControllerType; controllerNumber = [int]$drive.ControllerNumber
            location = [int]$drive.ControllerLocation; path = [string]$drive.Path; sizeBytes = $null; fileBytes = $null
            shared = [bool]($drive.SupportPersistentReservations -or [string]$drive.Path -like '*.vhds')
            passThrough = $null -ne $drive.DiskNumber; parentPath = $null
        }
        if ($null -ne $image) { $disk.sizeBytes = [long]$image.Size; $disk.fileBytes = [long]$image.FileSize }
        if ($null -ne $image -and $image.ParentPath) { $disk.parentPath = [string]$image.ParentPath }
        $disks += $disk
    }
    $memory = [long]$machine.MemoryAssigned
    if ($memory -eq 0) { $memory = [long]$machine.MemoryStartup }
    $item = @{
        id = $id.ToLower(); name = [string]$machine.Name; state = [int]$machine.State
        replication = [int]$machine.ReplicationMode
        operationalStatus = @($machine.OperationalStatus | ForEach-Object { [int]$_ })
        memoryMiB = [long]($memory / 1MB); maximumMemoryMiB = $null; processors = [int]$machine.ProcessorCount
        generation = [int]$machine.Generation; configurationVersion = [string]$machine.Version
        highlyAvailable = [bool]$machine.IsClustered; configurationPath = [string]$machine.ConfigurationLocation
        checkpointPath = [string]$machine.SnapshotFileLocation; smartPagingPath = [string]$machine.SmartPagingFilePath
        disks = $null; switches = $null; mountedIso = $null; checkpoints = $null; assignedDevices = $null
        processorCompatibility = $null
    }
    if ($machine.DynamicMemoryEnabled) { $item.maximumMemoryMiB = [long]($machine.MemoryMaximum / 1MB) }
    if ($null -ne $drives) { $item.disks = $disks }
    if ($null -ne $adapters) {
        $own = @($adapters | Where-Object { [string]$_.VMId -eq $id -and $_.SwitchName })
        $item.switches = @($own | ForEach-Object { [string]$_.SwitchName } | Sort-Object -Unique)
    }
    if ($null -ne $isos) {
        $own = @($isos | Where-Object { [string]$_.VMId -eq $id -and $_.Path })
        if ($own.Count -gt 0) { $item.mountedIso = [string]$own[0].Path }
    }
    if ($null -ne $checkpoints) { $item.checkpoints = @($checkpoints | Where-Object { [string]$_.VMId -eq $id }).Count }
    if ($null -ne $devices) { $item.assignedDevices = @($devices | Where-Object { [string]$_.VMId -eq $id }).Count }
    if ($null -ne $processors) {
        $own = @($processors | Where-Object { [string]$_.VMId -eq $id })
        if ($own.Count -gt 0) { $item.processorCompatibility = [bool]$own[0].CompatibilityForMigrationEnabled }
    }
    $list += $item
}

$cluster = $null; $nodeState = $null
# Clustering is a feature of its own: where its service is missing there is no cluster, and that is no problem.
if (@(Get-Service | Where-Object { $_.Name -eq 'ClusSvc' -and [string]$_.Status -eq 'Running' }).Count -gt 0) {
    try {
        $found = Get-Cluster
        $nodeState = [int](Get-ClusterNode -Name $env:COMPUTERNAME).State
        $cluster = @{ name = [string]$found.Name; maximumParallelMigrations = $null; sharedVolumes = @() }
        if ($found.MaximumParallelMigrations) { $cluster.maximumParallelMigrations = [int]$found.MaximumParallelMigrations }
        foreach ($info in @(Get-ClusterSharedVolume | ForEach-Object { $_.SharedVolumeInfo })) {
            $part = $info.Partition
            $folder = [string]$info.FriendlyVolumeName
            $cluster.sharedVolumes += @{ path = $folder; sizeBytes = [long]$part.Size; freeBytes = [long]$part.FreeSpace }
        }
    } catch { $seen.problems += "cluster: $($_.Exception.Message)" }
}

$report = @{
    name = [string]$env:COMPUTERNAME; cluster = $null; nodeState = $nodeState; osVersion = $null; availableMemoryMiB = $null
    memoryMiB = [long]($vmhost.MemoryCapacity / 1MB); logicalProcessors = [int]$vmhost.LogicalProcessorCount
    switches = $switches
    supportedConfigurationVersions = @($vmhost.SupportedVmVersions | ForEach-Object { [string]$_ })
    processorVendor = $null; processorModel = $null; virtualMachines = $list; migrations = $jobs; problems = $seen.problems
    migration = @{
        enabled = [bool]$vmhost.VirtualMachineMigrationEnabled; networks = $networks
        maximumVirtualMachineMigrations = [int]$vmhost.MaximumVirtualMachineMigrations
        maximumStorageMigrations = [int]$vmhost.MaximumStorageMigrations
        performanceOption = [int]$vmhost.VirtualMachineMigrationPerformanceOption
        authenticationType = [int]$vmhost.VirtualMachineMigrationAuthenticationType
        activeVirtualMachineMigrations = $null; activeStorageMigrations = $null
    }
    storage = @{
        virtualMachinePath = [string]$vmhost.VirtualMachinePath; virtualHardDiskPath = [string]$vmhost.VirtualHardDiskPath
        volumes = $volumes
    }
}
if ($null -ne $cluster) { $report.cluster = $cluster.name }
if ($system) {
    $report.osVersion = [string]$system[0].Version
    $report.availableMemoryMiB = [long]($system[0].FreePhysicalMemory / 1KB)
}
if ($processor) {
    $report.processorVendor = [string]$processor[0].Manufacturer
    $report.processorModel = [string]$processor[0].Name
}
if ($service) {
    $report.migration.activeVirtualMachineMigrations = [int]$service[0].ActiveVirtualSystemMigrationCount
    $report.migration.activeStorageMigrations = [int]$service[0].ActiveStorageMigrationCount
}
@{ host = $report; cluster = $cluster; shares = $null }
