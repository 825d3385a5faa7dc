from soundstrip_gateway.live.main import main

main()
