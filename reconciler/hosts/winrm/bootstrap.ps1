# The one command line that every call runs; see docs/design/0001-remote-protocol.md. Lines that begin with a hash are
# left out before it is encoded, because a command line may not be longer than 8191 characters. PowerShell 5.1.
$ErrorActionPreference='Stop'
$ProgressPreference='SilentlyContinue'
$w=[Console]::OpenStandardOutput()
# A request is lines of base64 and then an empty line, or the end of the input. Where the input stays open this process
# serves one request after the other, which spares a process start for each; where it ends, so does the process.
while($true){
$l=[Console]::In.ReadLine()
if($l){$r+=$l;continue}
if($r){
$op=''
try{
# Base64 is plain ASCII: code pages and byte order marks cannot spoil it.
$q=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($r))|ConvertFrom-Json
$op=$q.op
$a=@{ok=$true;result=(&([ScriptBlock]::Create($q.script)) $q.params)}
}catch{
# Our own scripts throw 'reconciler.some-id: sentence'; whatever else is thrown comes from Windows.
$m=[string]$_.Exception.Message
$i=[string]$_.FullyQualifiedErrorId
if($m -match '(?s)^(reconciler\.[a-z-]+): (.*)$'){$i=$Matches[1];$m=$Matches[2]}
$c='0x{0:X8}' -f $_.Exception.HResult
if($m -match '0x[0-9A-Fa-f]{8}'){$c=$Matches[0]}
$a=@{ok=$false;error=@{category=[string]$_.CategoryInfo.Category;id=$i;code=$c;message=$m;target=[string]$_.TargetObject}}
}
# Outside the try: a change that was made must not be reported as refused because its answer could not be written.
$b=[Text.Encoding]::UTF8.GetBytes((ConvertTo-Json -InputObject $a -Depth 10 -Compress))
# This SHA-256 is the one that is also allowed where the FIPS policy is on.
$h=(New-Object Security.Cryptography.SHA256CryptoServiceProvider).ComputeHash($b)
$s=[BitConverter]::ToString($h).Replace('-','').ToLowerInvariant()
$t=[Convert]::ToBase64String($b)
$f="`n#<reconciler:1 $op $($t.Length) $s`n$t`n#>reconciler:1 $op`n"
$y=[Text.Encoding]::ASCII.GetBytes($f)
$w.Write($y,0,$y.Length)
$w.Flush()
$r=''
}
if($null -eq $l){break}
}
