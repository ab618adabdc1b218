// What a server does with @segment/analytics-node: somebody looks, signs up, logs in, licenses.
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.LIBRARIES}/package.json`)
const { Analytics } = require('@segment/analytics-node')

const analytics = new Analytics({ writeKey: process.env.WRITE_KEY, host: process.env.HOST })
analytics.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})
const context = {
  page: { url: 'https://market.example/assets/a-1?utm_source=newsletter', referrer: 'https://www.google.com/' },
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Test/1.0',
  ip: '203.0.113.9',
}
const timestamp = new Date(Date.now() - 3_600_000)
analytics.page({ anonymousId: 'anon-1', name: 'Asset', properties: { title: 'An asset' }, context })
analytics.track({ anonymousId: 'anon-1', event: 'Asset Viewed', properties: { assetId: 'a-1' }, context, timestamp })
analytics.identify({ anonymousId: 'anon-1', userId: 'brand-1', traits: { email: 'someone@example.com' } })
analytics.group({ userId: 'brand-1', groupId: 'company-1' })
analytics.track({
  userId: 'brand-1',
  event: 'License Created',
  properties: { licenseId: 'l-1', assetId: 'a-1', projectId: 'p-1', brandId: 'brand-1', revenueCents: 129900, currency: 'EUR' },
  messageId: 'order-1001',
})
analytics.track({
  userId: 'brand-1',
  event: 'License Created',
  properties: { licenseId: 'l-1', revenueCents: 129900 },
  messageId: 'order-1001',
})
analytics.alias({ previousId: 'anon-0', userId: 'brand-1' })
await analytics.closeAndFlush({ timeout: 20_000 })
