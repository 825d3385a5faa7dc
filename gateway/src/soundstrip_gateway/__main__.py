from soundstrip_gateway.main import main

main()
