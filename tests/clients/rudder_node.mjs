// What a server does with @rudderstack/rudder-sdk-node, which sends gzip labelled as a form.
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.LIBRARIES}/package.json`)
const RudderAnalytics = require('@rudderstack/rudder-sdk-node')

const client = new RudderAnalytics(process.env.WRITE_KEY, { dataPlaneUrl: process.env.HOST, flushAt: 20 })
const context = { page: { url: 'https://market.example/assets/a-1' }, ip: '203.0.113.9' }
client.identify({ anonymousId: 'anon-1', userId: 'creator-1' })
client.page({ anonymousId: 'anon-1', name: 'Asset', properties: { title: 'An asset' }, context })
client.track({ userId: 'creator-1', event: 'Asset Uploaded', properties: { assetId: 'a-1', fileSizeBytes: 12 } })
await new Promise((resolve, reject) => {
  client.flush((error) => (error ? reject(error) : resolve()))
})
