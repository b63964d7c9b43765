module outcome

go 1.21
