module netsplit/contestants/go

go 1.21
