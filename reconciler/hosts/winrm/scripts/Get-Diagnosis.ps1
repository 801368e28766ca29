<#
.SYNOPSIS
Reports how this host is set up for remote management and for migrations to the named hosts. Changes nothing.
.DESCRIPTION
Tries to open a connection to port 6600 of each host named in peers, and to see each folder named in shares, five seconds in
all for the ports. What cannot be read stays null and is told under problems: this session may not speak to other computers
for its account, so a domain controller or file server may well refuse it although the host itself is set up rightly.
.NOTES
Sources (learn.microsoft.com): WMI classes Win32_ComputerSystem, Win32_NTDomain, Win32_Processor and Win32_DeviceGuard; cmdlets
Get-WSManInstance, Get-Module, Get-Date, Test-Path; classes System.Net.Sockets.TcpClient and
System.DirectoryServices.DirectorySearcher; attributes msDS-AllowedToDelegateTo and userAccountControl.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$clock = [System.Diagnostics.Stopwatch]::StartNew()
$seen = @{ problems = @(); domain = $null; guarded = $null; quotas = $null; delegation = $null }

# Returns all that the block gives as one array, or null where it fails; the failure is noted.
function Read-Part {
    param($Name, $Block)
    try { return , @(& $Block) } catch { $seen.problems += "$Name`: $($_.Exception.Message)" }
}

# All connections are tried at once, so that hosts that do not answer cost their time only once.
$tries = @()
foreach ($peer in @($Request.peers)) {
    $client = [Net.Sockets.TcpClient]::new()
    $tries += @{ address = [string]$peer; client = $client; wait = $client.BeginConnect([string]$peer, 6600, $null, $null) }
}

$time = (Get-Date).ToUniversalTime().ToString('o')
$system = Read-Part 'domain' { Get-CimInstance -ClassName Win32_ComputerSystem }
$guard = Read-Part 'Credential Guard' {
    Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard -ClassName Win32_DeviceGuard
}
$shell = Read-Part 'quotas of shells' { Get-WSManInstance -ResourceURI winrm/config/winrs }
$service = Read-Part 'quotas of the service' { Get-WSManInstance -ResourceURI winrm/config/service }
$processors = Read-Part 'processor' {
    Get-CimInstance -ClassName Win32_Processor | ForEach-Object { [string]$_.Description } | Sort-Object -Unique
}
# Of each domain that this host knows, the forest: where it is the only one, all domains of the forest trust each other.
$forests = Read-Part 'forest' {
    Get-CimInstance -ClassName Win32_NTDomain | Where-Object { $_.DNSForestName } |
        ForEach-Object { [string]$_.DNSForestName } | Sort-Object -Unique
}
$module = Read-Part 'Hyper-V module' { Get-Module -ListAvailable -Name Hyper-V | ForEach-Object { [string]$_.Version } }
$account = Read-Part 'delegation' {
    $searcher = [adsisearcher]('(&(objectCategory=computer)(sAMAccountName={0}$))' -f $env:COMPUTERNAME)
    $found = $searcher.FindOne()
    if ($null -eq $found) { throw 'reconciler.not-found: The directory has no account of this computer.' }
    $services = @($found.Properties['msds-allowedtodelegateto'] | Where-Object { $_ })
    $flags = $found.Properties['useraccountcontrol'][0]
    @{ services = @($services | ForEach-Object { [string]$_ }); userAccountControl = [long]$flags }
}

$ports = @()
foreach ($try in $tries) {
    $left = [int](1000 * (5 - $clock.Elapsed.TotalSeconds))
    if ($left -lt 0) { $left = 0 }
    $null = $try.wait.AsyncWaitHandle.WaitOne($left)
    $ports += @{ address = $try.address; open = [bool]$try.client.Connected }
    $try.client.Close()
}
$shares = @()
foreach ($share in @($Request.shares)) {
    $path = [string]$share
    $answer = $null
    # A file server that does not answer takes its time; the rest then stays unknown.
    if ($clock.Elapsed.TotalSeconds -lt 30) {
        try { $answer = [bool](Test-Path -LiteralPath $path) } catch { $answer = $false }
    }
    $shares += @{ path = $path; reachable = $answer }
}

if ($system) { $seen.domain = ''; if ($system[0].PartOfDomain) { $seen.domain = [string]$system[0].Domain } }
# Service 1 of those that run is Credential Guard.
if ($guard) { $seen.guarded = @($guard[0].SecurityServicesRunning | ForEach-Object { [int]$_ }) -contains 1 }
if ($shell -and $service) {
    $seen.quotas = @{
        shellsPerUser = [long]$shell[0].MaxShellsPerUser; processesPerShell = [long]$shell[0].MaxProcessesPerShell
        memoryPerShellMB = [long]$shell[0].MaxMemoryPerShellMB
        operationsPerUser = [long]$service[0].MaxConcurrentOperationsPerUser
    }
}
if ($account) { $seen.delegation = $account[0] }
@{
    name = [string]$env:COMPUTERNAME; time = $time; powerShell = [string]$PSVersionTable.PSVersion
    domain = $seen.domain; forests = $forests; credentialGuard = $seen.guarded; quotas = $seen.quotas
    delegation = $seen.delegation; processors = $processors; hyperVModules = $module
    ports = $ports; shares = $shares; problems = $seen.problems
}
