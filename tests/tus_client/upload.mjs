// Uploads a file by tus-js-client, as a page would: `node upload.mjs FILE TOKEN METADATA URL...`.
//
// A lost connection is tried again at the next URL's host, as a load balancer would choose. Each line of the
// output is a JSON object: the URL of the upload, each progress, and the end. After 16 MiB it stops, once, until
// it gets SIGCONT: what is to happen in the middle has time to.
import { createReadStream, statSync } from 'node:fs'
import { Upload } from 'tus-js-client'

const STOP_AFTER = 16 * 1024 * 1024

const [file, token, metadata, ...hosts] = process.argv.slice(2)
const say = (words) => console.log(JSON.stringify(words))
let turn = 0
let stopped = false

const upload = new Upload(createReadStream(file), {
  endpoint: `${hosts[0]}/v1/uploads`,
  uploadSize: statSync(file).size,
  retryDelays: Array(20).fill(500),
  headers: { Authorization: `Bearer ${token}` },
  metadata: JSON.parse(metadata),
  onProgress: (sent) => {
    say({ sent })
    if (sent > STOP_AFTER && !stopped) {
      stopped = true
      process.kill(process.pid, 'SIGSTOP')
    }
  },
  onShouldRetry: (error) => {
    const answer = error.originalResponse?.getStatus() ?? 0
    turn += 1
    upload.url = upload.url.replace(/^https?:\/\/[^/]+/, hosts[turn % hosts.length])
    say({ retry: answer })
    return answer === 0 || answer === 409 || answer === 423 || answer >= 500
  },
  onError: (error) => {
    say({ error: String(error) })
    process.exit(1)
  },
  onUploadUrlAvailable: () => say({ url: upload.url }),
  onAfterResponse: (request, response) => {
    const conversion = response.getHeader('Soundstrip-Conversion')
    if (conversion) say({ conversion })
  },
  onSuccess: () => say({ done: upload.url }),
})
upload.start()
