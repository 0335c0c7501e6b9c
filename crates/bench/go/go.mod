module outlive/bench

go 1.24
